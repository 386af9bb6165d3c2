"""What each job's units hold: its tables, counts and statistics, as a value."""
