"""Versions in other systems: files, each put there once, then one step that ends it."""
