"""Published burns against what the simulated tissue makes of them: cases as data, runs, and the page of results."""
