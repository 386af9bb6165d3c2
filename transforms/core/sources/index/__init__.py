"""Indexes of annotations and transcripts: rows by a string key, built once, read by mapping."""
