"""What is measured of narratives: a statistic a file."""
