"""The report of a version of narratives: its figures beside the paper's."""
