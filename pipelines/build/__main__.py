"""`python -m pipelines.build`."""

from pipelines.build.job import main
from pipelines.cli.process import run_program

if __name__ == "__main__":
    run_program(main)
