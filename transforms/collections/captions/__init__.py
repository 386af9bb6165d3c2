"""Captions of all collections: read, measured, published."""
