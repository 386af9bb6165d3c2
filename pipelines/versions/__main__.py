"""`python -m pipelines.versions`."""

from pipelines.cli.process import run_program
from pipelines.versions.commands import main

if __name__ == "__main__":
    run_program(main)
