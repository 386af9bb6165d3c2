"""The main job over narratives: its stages, and the calibration of its threshold."""
