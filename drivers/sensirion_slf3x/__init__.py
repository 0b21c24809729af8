"""Sensirion SLF3x liquid flow sensors behind an SCC1-USB cable."""
