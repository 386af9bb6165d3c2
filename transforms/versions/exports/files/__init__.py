"""Exports as files: one target for all, and what the files of each system are."""
