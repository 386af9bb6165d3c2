"""Beam transforms, thin over `core`; importing this package imports nothing else."""
