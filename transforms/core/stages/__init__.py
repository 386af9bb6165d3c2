"""The stages of the main job as pure functions from chunk to chunk, one a file."""
