"""Families of stages, one for each collection that a job reads."""
