"""Kuhne electronic KU SG 2.45-250 A microwave generators."""
