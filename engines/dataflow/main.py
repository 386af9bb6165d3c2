"""What the Flex template's launcher starts: the main job, from the launcher's flags.

The launcher gives each of the template's parameters, and Beam's flags, as `--name=value`. Lists
are single strings with commas there, and truth values are `true` or `false`.
"""

import pathlib
import sys
from collections.abc import Iterator, Sequence

from engines.dataflow.parameters import Parameter, template_parameters
from pipelines.build import job
from pipelines.cli.process import run_program
from transforms.core.base.errors import UsageError

CATALOG = pathlib.Path(__file__).parents[2] / "configs" / "catalog.yaml"

_PARAMETERS = {parameter.name: parameter for parameter in template_parameters()}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the main job's command; returns its exit code."""
    return job.main(job_arguments(sys.argv[1:] if argv is None else argv))


def job_arguments(argv: Sequence[str]) -> list[str]:
    """The main job's command line, from the launcher's.

    Raises:
      UsageError: A truth value is neither true nor false.
    """
    arguments = [argument for flag in argv for argument in _translate(flag)]
    if not _value_of("catalog", argv):
        arguments.append(f"--catalog={CATALOG}")
    # The service reads the graph when this process has ended, so it waits for nobody.
    return [*arguments, "--if-running=fail", "--no-wait"]


def _translate(flag: str) -> Iterator[str]:
    name, _, value = flag.removeprefix("--").partition("=")
    if parameter := _PARAMETERS.get(name):
        yield from _option(parameter, value)
    elif name == "labels":  # Beam's, of the job; ours of this name are files of image labels
        yield f"--label={value}"
    else:
        yield flag


def _option(parameter: Parameter, value: str) -> Iterator[str]:
    """An option's flags; none where the parameter was left empty."""
    flag = parameter.name.replace("_", "-")
    if parameter.kind == "BOOLEAN":
        if value:
            yield f"--{flag}" if _is_true(parameter.name, value) else f"--no-{flag}"
    elif parameter.is_list:
        yield from (f"--{flag}={item}" for item in value.split(",") if item)
    elif value:
        yield f"--{flag}={value}"


def _is_true(name: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise UsageError(f"parameter `{name}`: write true or false (given: {value!r})")
    return value == "true"


def _value_of(name: str, argv: Sequence[str]) -> str:
    """What a flag was given as, empty where it was not."""
    mark = f"--{name}="
    return next((flag.removeprefix(mark) for flag in argv if flag.startswith(mark)), "")


if __name__ == "__main__":
    run_program(main)
