"""KMTronic USB relay boards as enable line."""
