"""The parts of ``benchmarks.wire``; ``make bench`` runs that, not these."""
