"""The input of a run: its shards, and what is checked of them before any narrative is read."""
