"""The jobs, each `python -m pipelines.NAME`, and `narratives`, which calls all of them."""

import sys

# A job is to run, and this package is not just imported.
if sys.argv and sys.argv[0].rpartition("/")[2] in ("-m", "narratives"):
    # Before anything that takes long to import: a signal ends the process in order from here on.
    from pipelines.cli.stopping import heed_signals

    heed_signals()

import logging
import os

# Beam says at import that its optional Google Cloud client is not installed. The core does not
# need it, and a run that does fails with a message of its own.
logging.getLogger().addFilter(lambda record: "apitools not found" not in record.getMessage())

# Google's client asks the metadata server for credentials, which only machines in its cloud have:
# elsewhere it need not wait long to learn that. What the user has set stands.
os.environ.setdefault("GCE_METADATA_TIMEOUT", "1")
os.environ.setdefault("GCE_METADATA_DETECT_RETRIES", "2")

__version__ = "0.1.0"
"""The version of the whole package; `setup.py` reads it here."""
