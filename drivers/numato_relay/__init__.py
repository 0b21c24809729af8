"""Numato USB relay modules as enable line."""
