"""`python -m pipelines.replay`."""

from pipelines.cli.process import run_program
from pipelines.replay.job import main

if __name__ == "__main__":
    run_program(main)
