"""Makes the Dataflow Flex template of the main job: its specification and its image's context.

    python -m engines.dataflow.template --image REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG

The specification's parameters are the main job's options, with their help texts; the image is
that of launcher and workers alike (`Dockerfile` beside this file). What is left to do is printed.
"""

import argparse
import json
import pathlib
import re
import shutil
from collections.abc import Sequence

import yaml

from engines.dataflow.parameters import Parameter, template_parameters
from pipelines.cli.process import run_command
from transforms.core.base.errors import UsageError

ROOT = pathlib.Path(__file__).parents[2]
OUTPUT = pathlib.Path("build", "dataflow-template")
CONFIG = ROOT / "configs" / "dataflow.yaml"
SPECIFICATION = "template.json"
PLACEHOLDER = "my-project"

SOURCES = (
    "LICENSE",
    "NOTICE",
    "configs/catalog.yaml",
    "constraints.txt",
    "engines/__init__.py",
    "engines/dataflow",
    "pipelines",
    "pyproject.toml",
    "setup.py",
    "transforms",
)
"""What goes into the image, each in its place; the Dockerfile goes to the context's top."""

ENVIRONMENT = {
    "disk_size_gb": "diskSizeGb",
    "machine_type": "machineType",
    "max_num_workers": "maxWorkers",
    "num_workers": "numWorkers",
}
"""Beam's options in configs/dataflow.yaml, and what they are called in a template's defaults."""

_IMAGE = re.compile(r"[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+(:[A-Za-z0-9_.-]+|@sha256:[0-9a-f]{64})")
_COMPILED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.nbi", "*.nbc", "*.egg-info")


def make_specification(image: str) -> dict:
    """The template's specification, a `ContainerSpec` of the Dataflow API.

    Raises:
      UsageError: The image's name is not one of a registry with a tag or digest.
    """
    if not _IMAGE.fullmatch(image):
        raise UsageError(
            f"{image!r} is no image name: write REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG"
        )
    beam = yaml.safe_load(CONFIG.read_text())["beam"]
    workers = {name: beam[option] for option, name in ENVIRONMENT.items() if option in beam}
    return {
        "image": image,
        "sdkInfo": {"language": "PYTHON"},
        "defaultEnvironment": {"sdkContainerImage": image, **workers},
        "metadata": {
            "name": "Localized Narratives",
            "description": "Turns Localized Narratives into Parquet tables in which every word "
            "has its time, its piece of the trace and its box.",
            "parameters": [_describe(parameter) for parameter in template_parameters()],
        },
    }


def _describe(parameter: Parameter) -> dict:
    described = {
        "name": parameter.name,
        "label": parameter.name.replace("_", " ").capitalize(),
        "helpText": parameter.help,
        "isOptional": parameter.is_optional,
        "regexes": [parameter.regex],
        "paramType": parameter.kind,
    }
    if parameter.choices:
        described["enumOptions"] = [{"value": value} for value in parameter.choices]
    if parameter.default:
        described["defaultValue"] = parameter.default
    return described


def write_context(folder: pathlib.Path) -> None:
    """Puts all that the image is built from into a folder, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in SOURCES:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=_COMPILED)
        else:
            shutil.copy2(source, target)
    shutil.copy2(ROOT / "engines" / "dataflow" / "Dockerfile", folder)


def next_commands(image: str, output: pathlib.Path) -> str:
    """What makes the template usable, as commands."""
    specification = output / SPECIFICATION
    name = f" ({PLACEHOLDER} stands for yours: IMAGE=…)" if f"/{PLACEHOLDER}/" in image else ""
    return (
        f"Made {specification} and {output / 'image'}/. Next, with your own bucket{name}:\n"
        f"  gcloud builds submit {output / 'image'} --tag {image} --timeout 30m\n"
        f"  gcloud storage cp {specification} gs://BUCKET/templates/localized-narratives.json\n"
        "  gcloud dataflow flex-template run localized-narratives --region REGION \\\n"
        "    --template-file-gcs-location gs://BUCKET/templates/localized-narratives.json \\\n"
        "    --parameters '^~^input=gs://BUCKET/narratives/*.jsonl~output=gs://BUCKET/out"
        "~annotations=gs://BUCKET/indexes/NAME'"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Writes specification and context; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m engines.dataflow.template", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--image", required=True, help="Name under which the image is pushed.")
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        default=OUTPUT,
        help="Folder, made again. Default: %(default)s.",
    )
    arguments = parser.parse_args(argv)
    specification = make_specification(arguments.image)
    write_context(arguments.output / "image")
    text = json.dumps(specification, indent=2) + "\n"
    (arguments.output / SPECIFICATION).write_text(text)
    print(next_commands(arguments.image, arguments.output))
    return 0


if __name__ == "__main__":
    run_command(main)
