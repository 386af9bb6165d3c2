"""Commands that change an output."""
