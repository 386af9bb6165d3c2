"""The report of releases of Open Images."""
