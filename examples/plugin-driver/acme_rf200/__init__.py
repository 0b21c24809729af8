"""Openablate driver for acme-rf200."""
