"""The pages: every block of code in them runs, the reference is what the models say, the site needs no network."""
