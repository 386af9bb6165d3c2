"""Repaired lines in the place of rejected ones: a version in which they stand where they were."""
