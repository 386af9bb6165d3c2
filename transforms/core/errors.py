"""Errors that are the user's to mend."""


class UsageError(ValueError):
    """Wrong use or unusable input: one sentence that names the place and the remedy."""
