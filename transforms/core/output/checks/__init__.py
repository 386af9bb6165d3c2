"""Checks of a run before its version becomes current."""
