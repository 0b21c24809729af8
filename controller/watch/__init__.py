"""``ablate watch``: a bench in a terminal, for SSH. It acknowledges, silences and stops; it never arms or fires."""
