"""Keysight (HP, Agilent) 34970A and 34972A scanners with thermocouples."""
