"""What a narrative is: its tables, flags and names."""
