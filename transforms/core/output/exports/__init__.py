"""Versions in the forms of other systems: types, names, keys and texts, as pure functions."""
