"""Statistics of downloaded images."""
