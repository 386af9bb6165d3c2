"""Options of every job: one pydantic model gives the flags, the YAML keys and the checks."""

import argparse
import difflib
import types
import typing
from collections.abc import Iterable, Sequence

import pydantic
import yaml

from transforms.core.errors import UsageError

BeamValue = str | bool | int | float


class Options(pydantic.BaseModel):
    """Options that all jobs have. Field descriptions are the help texts."""

    model_config = pydantic.ConfigDict(extra="forbid", validate_default=True)

    runner: str = pydantic.Field(
        "local",
        description="Engine: local (this machine), flink, dataflow, or a Beam runner's name.",
    )
    workers: pydantic.PositiveInt = pydantic.Field(
        1, description="Worker processes of the local engine; 1 stays in this process."
    )
    wait: bool = pydantic.Field(
        True, description="Wait for the end; --no-wait submits to an engine elsewhere and returns."
    )
    beam: dict[str, BeamValue | list[BeamValue]] = pydantic.Field(
        {}, description="Beam's own options for the engine, by name; as flags they win."
    )


OptionsT = typing.TypeVar("OptionsT", bound=Options)


def parse_command_line(
    model: type[OptionsT], argv: Sequence[str] | None, prog: str, description: str
) -> tuple[OptionsT, list[str]]:
    """Reads flags and the YAML file that `--config` names; flags win.

    Args:
      model: The job's options.
      argv: Arguments without the program's name; None takes those of this process.
      prog: How the job is called.
      description: First paragraph of the help.

    Returns:
      The options, and the arguments that are not ours (Beam's own flags).

    Raises:
      UsageError: An unknown key or flag, or a value that does not fit.
    """
    parser = _parser(model, prog, description)
    namespace, beam_args = parser.parse_known_args(argv)
    flags = {key: value for key, value in vars(namespace).items() if value is not None}
    config = flags.pop("config", None)
    values = (_read_config(config, model) if config else {}) | flags
    _refuse_strays(beam_args, model)
    try:
        options = model(**values)
    except pydantic.ValidationError as error:
        raise UsageError(_explain(error, config)) from error
    if "runner" in options.beam:
        raise UsageError("`runner` is a key of its own, not one below `beam`")
    _refuse_strays([f"--{name}=" for name in options.beam], model)
    return options, beam_args


def _parser(model: type[Options], prog: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog="Every flag is a key of the YAML file too, with _ for -. Other flags go to Beam; in "
        "the file they are below the key beam.",
        allow_abbrev=False,
        argument_default=None,
    )
    parser.add_argument("--config", metavar="FILE", help="YAML file of options; flags win.")
    for name, field in model.model_fields.items():
        if typing.get_origin(field.annotation) is not dict:  # those are keys of the file only
            parser.add_argument(_flag(name), **_argument(field))
    return parser


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _argument(field: pydantic.fields.FieldInfo) -> dict:
    kind = _without_none(field.annotation)
    shown = "" if field.is_required() else _shown_default(field)
    argument = {"help": f"{field.description}{shown}".replace("%", "%%"), "dest": None}
    del argument["dest"]
    if kind is bool:
        return argument | {"action": argparse.BooleanOptionalAction}
    if typing.get_origin(kind) is list:
        return argument | {"nargs": "+", "action": "extend", "metavar": "VALUE"}
    if typing.get_origin(kind) is typing.Literal:
        return argument | {"metavar": "|".join(map(str, typing.get_args(kind)))}
    return argument | {"metavar": "VALUE"}


def _shown_default(field: pydantic.fields.FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    return "" if default in (None, [], "") or default is False else f" Default: {default}."


def _without_none(annotation):
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        kinds = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else annotation
    if typing.get_origin(annotation) is typing.Annotated:
        return _without_none(typing.get_args(annotation)[0])
    return annotation


def _read_config(path: str, model: type[Options]) -> dict:
    from transforms import storage

    try:
        values = yaml.safe_load(storage.read_bytes(path)) or {}
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path}: must hold `key: value` lines, for example `workers: 2`")
    for key in values:
        if key not in model.model_fields:
            raise UsageError(f"{path}: unknown key `{key}`{_nearest(str(key), model.model_fields)}")
    return values


def _nearest(name: str, names: Iterable[str]) -> str:
    shown = {name.lstrip("-"): name for name in names}
    close = difflib.get_close_matches(name.lstrip("-"), shown, n=1, cutoff=0.5)
    return f"; did you mean `{shown[close[0]]}`?" if close else "; see --help for the keys"


def _refuse_strays(beam_args: Sequence[str], model: type[Options]) -> None:
    """Refuses what is neither ours nor Beam's: a misspelt flag must not be ignored."""
    if not beam_args:
        return
    from pipelines.runners import known_flags

    known = known_flags()
    expects_value = False
    for argument in beam_args:
        name = argument.partition("=")[0]
        if name.startswith("--") and name not in known:
            flags = [*map(_flag, model.model_fields), *known]
            raise UsageError(f"unknown flag `{name}`{_nearest(name, flags)}")
        if not name.startswith("-") and not expects_value:
            raise UsageError(f"unexpected argument `{argument}`: options are given as --flag value")
        expects_value = name.startswith("-") and "=" not in argument


def _explain(error: pydantic.ValidationError, config: str | None) -> str:
    problems = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int))
        where = f"option `{_flag(key)}`: " if key else ""
        text = problem["msg"].removeprefix("Value error, ")
        given = "" if problem["type"] == "missing" or not key else f" (given: {problem['input']!r})"
        problems.append(f"{where}{text[:1].lower()}{text[1:]}{given}")
    source = f" (flags and {config})" if config else ""
    return "; ".join(problems) + source
