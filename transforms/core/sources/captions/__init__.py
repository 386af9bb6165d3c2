"""Captions of other collections: their formats, read strictly and record by record."""
