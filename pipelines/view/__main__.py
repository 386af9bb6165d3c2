"""`python -m pipelines.view`."""

from pipelines.cli.process import run_module

if __name__ == "__main__":
    run_module("pipelines.view.job")
