"""Targets of exports: options of each, and how they become what is exported to."""
