"""Julabo circulators."""
