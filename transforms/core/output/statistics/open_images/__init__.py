"""Statistics of releases of Open Images."""
