"""Numato USB GPIO modules as inputs for E-stop, footswitch and door."""
