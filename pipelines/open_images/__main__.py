"""Runs the job: `python -m pipelines.open_images`."""

from pipelines.cli.process import run_program
from pipelines.open_images.job import main

if __name__ == "__main__":
    run_program(main)
