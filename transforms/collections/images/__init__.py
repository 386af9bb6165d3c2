"""Downloading the images of a version: what is wanted, asking for it, and what comes of it."""
