"""Generated narratives: scenes described in the annotators' style, with the truth beside."""
