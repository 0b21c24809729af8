"""Omega FOB100 series fibre-optic thermometers (made by Neoptix)."""
