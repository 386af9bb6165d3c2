"""What is passed on and kept: tables, chunks, units, and where files lie."""
