"""Commands that only look at an output."""
