"""The versions of an output: listed, verified, moved between, removed and compared."""
