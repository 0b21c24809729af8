"""Devices for lewis; its own simplest example does not load in Python 3.11."""
