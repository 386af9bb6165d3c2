"""How fast, and how often: gates of hosts, a rate that threads share, pauses, `Retry-After`."""
