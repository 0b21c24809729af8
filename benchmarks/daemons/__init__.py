"""The parts of the benchmarks that run the real daemon and watchdog; ``make bench`` runs those, not these."""
