"""`python -m pipelines.images`."""

from pipelines.cli.process import run_program
from pipelines.images.job import main

if __name__ == "__main__":
    run_program(main)
