"""Files as they were published: archives, members, pieces, records and rows."""
