"""`python -m pipelines.open_images`."""

from pipelines.cli.process import run_module

if __name__ == "__main__":
    run_module("pipelines.open_images.job")
