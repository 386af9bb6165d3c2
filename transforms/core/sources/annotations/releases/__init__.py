"""Releases of Open Images as they were published: archives, all revisions of columns, any kind."""
