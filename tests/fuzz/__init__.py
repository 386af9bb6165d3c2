"""Mutated lines through the whole job: `python -m tests.fuzz --lines 1000000 --seed 1`."""
