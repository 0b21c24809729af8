"""Sairem GMS solid-state microwave generators."""
