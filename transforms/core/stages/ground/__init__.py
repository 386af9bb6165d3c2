"""GroundWords: which piece of the trace belongs to a word."""
