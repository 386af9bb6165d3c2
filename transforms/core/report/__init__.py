"""A version on pages: its report, and its card for readers of datasets."""
