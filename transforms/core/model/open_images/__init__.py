"""What is written of releases of Open Images beside their tables."""
