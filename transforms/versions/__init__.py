"""The versions of an output: found, verified, moved between, removed and compared."""
