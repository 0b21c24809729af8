"""The proof of trip before the first energy on a bench: steps as a table, what was seen, and the record of it."""
