"""The bench file by asking: which questions there are, what they offer, and the file that the answers make."""
