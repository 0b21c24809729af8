"""The curves of ``benchmarks.scale``, and how they are kept and drawn."""
