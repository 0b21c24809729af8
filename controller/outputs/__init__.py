"""Outputs: what a bench does, told in the words of others. Plug-ins that ``mqtt: {outputs: […]}`` names."""
