"""Versions in a PostgreSQL database."""
