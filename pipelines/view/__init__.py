"""The narrative browser: a page that reads a version's files, and the server that shows it here."""
