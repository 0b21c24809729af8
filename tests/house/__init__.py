"""Packaging, command line, names, and what tracked files may say."""
