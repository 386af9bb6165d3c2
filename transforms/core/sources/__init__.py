"""Formats that are read: narratives, annotations, transcripts, and indexes of them."""
