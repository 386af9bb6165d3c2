"""A schedule for Airflow, which runs the file by itself: nothing here imports it."""
