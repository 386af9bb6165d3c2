"""Releases of Open Images as published: the transforms of their job."""
