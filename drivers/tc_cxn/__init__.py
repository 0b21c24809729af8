"""T&C Power Conversion AG and CXN radio-frequency generators."""
