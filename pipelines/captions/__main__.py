"""What `python -m pipelines.captions` runs."""

from pipelines.captions.job import main
from pipelines.cli.process import run_program

if __name__ == "__main__":
    run_program(main)
