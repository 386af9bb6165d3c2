"""Statistics of captions of all collections, a file a table."""
