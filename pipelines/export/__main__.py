"""`python -m pipelines.export`."""

from pipelines.cli.process import run_program
from pipelines.export.job import main

if __name__ == "__main__":
    run_program(main)
