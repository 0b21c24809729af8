"""Keysight (Agilent) 33500B function generators, and the 33220A that came before them."""
