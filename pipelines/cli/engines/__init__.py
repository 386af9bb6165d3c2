"""From options to an engine: its pipeline, and the workers of this machine."""
