"""Units, for every job: planned, skipped where finished, written, published."""
