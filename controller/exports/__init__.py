"""Exports: a session as CSV, XLSX, Parquet or HDF5, each with a Frictionless ``datapackage.json`` beside it."""
