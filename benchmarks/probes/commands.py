"""The commands that are measured from outside."""

import sys
from collections.abc import Mapping, Sequence

from benchmarks.material import annotation_files, class_files

PYTHON = sys.executable

MODULES = {
    "by_hand": "by_hand.by_hand",
    "with_libraries": "libraries.with_libraries",
    "spark": "spark.spark",
}
"""Where the baselines are, below `benchmarks.baselines`."""


def import_beam() -> list[str]:
    """The yardstick of starting."""
    return [PYTHON, "-c", "import apache_beam"]


def build(output: str, index: str, shards: Sequence[str], *more: str) -> list[str]:
    """The main job, with a ready annotation index."""
    flags = ["--annotations", index, "--output", output, *more]
    return [PYTHON, "-m", "pipelines.build", "--input", *shards, *flags]


def index_boxes(output: str, path: str) -> list[str]:
    """The annotation index of a file of boxes."""
    return [PYTHON, "-m", "pipelines.index_annotations", "--boxes", path, "--output", output]


def index_release(output: str, files: Mapping[str, Sequence[str]], workers: int) -> list[str]:
    """The annotation index of files by kind, on so many workers."""
    given = [part for kind, paths in files.items() for part in (f"--{kind}", *paths)]
    flags = ["--output", output, "--workers", str(workers)]
    return [PYTHON, "-m", "pipelines.index_annotations", *given, *flags]


def read_csv(paths: Sequence[str]) -> list[str]:
    """Arrow's reader of CSV files on all processors, one file after the other."""
    program = "import sys, pyarrow.csv\nfor path in sys.argv[1:]:\n    pyarrow.csv.read_csv(path)"
    return [PYTHON, "-c", program, *paths]


def make_run(output: str) -> list[str]:
    """`make run` in the environment of this process."""
    return ["make", "--no-print-directory", "run", f"VENV={sys.prefix}", f"ARGS=--output {output}"]


def baseline(name: str, output: str, shards: Sequence[str]) -> list[str]:
    """A baseline, over the sample's annotations and the default classes."""
    files = {"input": shards, **annotation_files(), "classes": class_files()}
    flags = [part for kind, paths in files.items() for part in (f"--{kind}", *paths)]
    return [PYTHON, "-m", f"benchmarks.baselines.{MODULES[name]}", *flags, "--output", output]
