"""Deadly lines: those that end the process that does them, found and rejected."""
