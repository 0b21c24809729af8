"""Ismatec Reglo ICC peristaltic pump."""
