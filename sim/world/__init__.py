"""Physics in time: tissue, applicator, coolant loop and sensors of a simulated bench.

Knows no clock, no wire and nothing else of Openablate.
"""
