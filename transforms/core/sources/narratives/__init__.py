"""Lines of narratives to a chunk: a compiled scanner, and the strict decoder it is held to."""
