"""What the panel costs and how soon it acts: rooms of ``benchmarks.panel``."""
