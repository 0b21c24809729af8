"""One archive for whoever is asked for help: what happened, on what, with which software; and no secret in it."""
