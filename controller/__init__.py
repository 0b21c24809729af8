"""The daemon and its faces: composition, timing, power-control laws, configuration, records, command line."""
