"""Bench and protocol files: reading with positions, models, cross-checks, effective limits, hash, schemas."""
