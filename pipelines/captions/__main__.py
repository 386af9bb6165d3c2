"""`python -m pipelines.captions`."""

from pipelines.cli.process import run_module

if __name__ == "__main__":
    run_module("pipelines.captions.job")
