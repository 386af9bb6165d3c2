"""The job over releases of Open Images as they were published."""
