"""A session as labs work: targets, several applications on each, and how much of each target they cover."""
