"""`python -m pipelines.fetch`."""

from pipelines.cli.process import run_module

if __name__ == "__main__":
    run_module("pipelines.fetch.job")
