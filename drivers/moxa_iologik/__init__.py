"""Moxa ioLogik E1200 series remote inputs and outputs."""
