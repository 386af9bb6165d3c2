"""AlignTranscripts: the words of a transcript found in the caption, and what they give it."""
