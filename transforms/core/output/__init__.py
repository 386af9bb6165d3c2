"""What a run writes: tables, commit records, statistics, and the version made of them."""
