"""AR (Amplifier Research) RF amplifiers."""
