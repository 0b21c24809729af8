"""The panel in a real browser, over the real ``ablate serve`` and its processes; energy is judged by the emulated
generator's power log, never by the page."""
