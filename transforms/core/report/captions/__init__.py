"""The report of a version of captions of all collections."""
