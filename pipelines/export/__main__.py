"""`python -m pipelines.export`."""

from pipelines.cli.process import run_module

if __name__ == "__main__":
    run_module("pipelines.export.job")
