"""The simulated world: tissue, devices on the wire, faults, rehearsals."""
