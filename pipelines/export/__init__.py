"""`narratives export`: a version in another system, such as PostgreSQL or BigQuery."""
