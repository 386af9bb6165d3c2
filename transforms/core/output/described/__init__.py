"""Files beside a version's tables by which other tools know what these are."""
