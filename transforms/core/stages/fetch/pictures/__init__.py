"""Pictures: schemas and lists of them, what their bytes say, and tar files of them."""
