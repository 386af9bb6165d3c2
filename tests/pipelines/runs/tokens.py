"""`python -m tests.pipelines.runs.tokens`: the job from the outside as a process of its own."""

from pipelines.cli.process import run_program
from tests.pipelines.runs.token_captions import main

if __name__ == "__main__":
    run_program(main)
