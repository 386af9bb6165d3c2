"""A cluster on this machine: its processes, their settings, and the namespace they are in."""
