"""The last step: finished units as a version, or as files."""
