"""Watson-Marlow 323Du, 5xx and 6xx Du/DuN peristaltic pumps."""
