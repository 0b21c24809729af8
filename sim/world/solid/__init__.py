"""Several conductors or antennas in one tissue, solved in three dimensions."""
