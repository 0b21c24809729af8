"""The panel: a process beside a bench that shows it in a browser and passes on what people ask for.

It is a client of the daemon's control socket like any other and reads the session file; the daemon knows nothing of it,
and no tick waits for it. Whatever is lost here, killed or flooded, the bench goes on as its own rules say.
"""
