"""The jobs, one a file, each `python -m pipelines.NAME`."""

import logging

# Beam says at import that its optional Google Cloud client is not installed. The core does not
# need it, and a run that does fails with a message of its own.
logging.getLogger().addFilter(lambda record: "apitools not found" not in record.getMessage())
