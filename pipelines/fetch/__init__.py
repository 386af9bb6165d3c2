"""Brings published files into a folder or bucket, resumed and verified."""
