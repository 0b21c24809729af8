"""The watchdog: a process of its own that takes the energy away when the daemon dies, hangs or contradicts itself.

``frames`` (bytes on the link) and ``core`` (the rules) are pure; ``line``, ``cutoff`` and ``process`` do the I/O with
the standard library alone, without threads or asyncio; ``client`` is the daemon's side and the only module here that
may use asyncio.
"""
