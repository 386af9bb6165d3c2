"""`python -m pipelines.fetch`."""

from pipelines.cli.process import run_program
from pipelines.fetch.job import main

if __name__ == "__main__":
    run_program(main)
