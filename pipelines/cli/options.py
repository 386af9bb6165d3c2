"""Options of every job: one pydantic model gives the flags, the YAML keys and the checks."""

import argparse
import difflib
import re
import sys
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from importlib import metadata
from typing import Annotated, Any, NoReturn, Self

import pydantic

from pipelines import __version__
from pipelines.cli import log
from pipelines.cli.beam_options import check_runner, known_flags
from pipelines.cli.values import Metavar, Workers
from pipelines.cli.yaml_files import read_yaml
from transforms.core.base.errors import UsageError, shown
from transforms.core.base.secrets import mask_secrets

BeamValue = str | bool | int | float


class Command(pydantic.BaseModel):
    """Options of a command. Field descriptions are the help texts."""

    model_config = pydantic.ConfigDict(extra="forbid", validate_default=True)

    example: typing.ClassVar[str] = ""
    """Flags of a usual command, for those who gave none."""

    exit_codes: typing.ClassVar[str] = (
        "0 done; 2 wrong use; 4 the engine or the system failed; 129, 130 and 143 stopped by "
        "SIGHUP, Ctrl-C and SIGTERM"
    )
    """What the codes mean that the command may end with."""

    groups: typing.ClassVar[dict[str, str]] = {}
    """Headings of the help, each by the first of the options that stand below it."""

    after: typing.ClassVar[dict[str, str]] = {}
    """Options of a base class that stand behind another one in the help; the others come last."""

    places: typing.ClassVar[tuple[str, ...]] = ()
    """Options that are given by their place, without a flag."""

    log_format: log.Format = pydantic.Field(
        "text",
        description="How messages are printed while it runs: text, or json for one event a line on "
        "standard error.",
    )
    quiet: bool = pydantic.Field(
        False,
        description="Print errors only, and what was asked for: of a run, its version's folder.",
    )
    verbose: bool = pydantic.Field(
        False,
        description="Print what is done too: stages, units that are reused, each one that is "
        "finished, and what every stage took.",
    )

    @pydantic.model_validator(mode="after")
    def _check_volume(self) -> Self:
        if self.quiet and self.verbose:
            raise ValueError("give only one of --quiet and --verbose")
        return self

    @property
    def volume(self) -> log.Volume:
        """How much is said."""
        return "quiet" if self.quiet else "verbose" if self.verbose else "usual"

    @pydantic.model_validator(mode="before")
    @classmethod
    def _take_single_values(cls, values: dict) -> dict:
        """Takes a string for a list of one, and refuses values without a character."""
        taken = dict(values)
        for name, value in values.items():
            texts = value if isinstance(value, list) else [value]
            if any(isinstance(text, str) and not text.strip() for text in texts):
                raise ValueError(
                    f"{_called(cls, name)}: the value is empty: give one, or leave the option out"
                )
            field = cls.model_fields.get(name)
            if field and isinstance(value, str) and _is_list(field.annotation):
                taken[name] = [value]
        return taken


class Options(Command):
    """Options that all jobs have which run on an engine."""

    runner: Annotated[str, Metavar("ENGINE")] = pydantic.Field(
        "local",
        description="Engine: local (this machine), flink or dataflow.",
    )
    workers: Workers = pydantic.Field(
        1,
        description="Worker processes of the local engine, or auto: one a processor. 1 stays in "
        "this process.",
    )
    wait: bool = pydantic.Field(
        True, description="Wait for the end; --no-wait submits to an engine elsewhere and returns."
    )
    beam: dict[str, BeamValue | list[BeamValue]] = pydantic.Field(
        {}, description="Beam's own options for the engine, by name; as flags they win."
    )

    @pydantic.field_validator("runner")
    @classmethod
    def _check_runner(cls, name: str) -> str:
        check_runner(name)
        return name


OptionsT = typing.TypeVar("OptionsT", bound=Command)


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
    arguments = sys.argv[1:] if argv is None else list(argv)
    log.begin(arguments, prog)
    if not arguments:
        raise UsageError(
            f"nothing was given to work on: say so by flags, for example `{prog} {model.example}`, "
            "or by a YAML file of options (--config FILE); --help explains every option"
        )
    for argument in arguments:
        if any("\udc80" <= character <= "\udcff" for character in argument):
            raise UsageError(f"`{shown(argument)}` is not UTF-8: rename the file or folder")
    parser = job_parser(model, prog, description)
    namespace, beam_args = parser.parse_known_args(arguments)
    flags = {key: value for key, value in vars(namespace).items() if value not in (None, [])}
    config = flags.pop("config", None)
    values = (_read_config(config, model) if config else {}) | flags
    _refuse_strays(beam_args, model)
    try:
        options = model(**values)
    except pydantic.ValidationError as error:
        raise UsageError(_explain(error, config, model)) from error
    log.choose_volume(options.volume)
    if isinstance(options, Options):
        if "runner" in options.beam:
            raise UsageError("`runner` is a key of its own, not one below `beam`")
        _refuse_unknown_beam_keys(options.beam, config)
    return options, beam_args


class _Parser(argparse.ArgumentParser):
    """Where messages are events, wrong use is one like any other, in place of lines of usage."""

    def error(self, message: str) -> NoReturn:
        if log.is_json():
            raise UsageError(message)
        super().error(message)


def job_parser(model: type[Command], prog: str, description: str) -> argparse.ArgumentParser:
    """A job's flags with their help, by topic."""
    parser = _Parser(
        prog=prog,
        usage=f"%(prog)s {_places(model)}[--config FILE] [OPTION ...]\n"
        f"example: %(prog)s {model.example}",
        description=description,
        epilog="Every flag is a key of the YAML file too, with _ for -. "
        f"{_BEAMS_FLAGS if _has_engine(model) else ''}Exit codes: {model.exit_codes}.",
        allow_abbrev=False,
        argument_default=None,
    )
    parser.add_argument("--config", metavar="FILE", help="YAML file of options; flags win.")
    parser.add_argument("--version", action="version", version=versions())
    below: argparse.ArgumentParser | argparse._ArgumentGroup = parser
    for name in model.places:
        field = model.model_fields[name]
        text = str(field.description).replace("%", "%%")
        nargs = "*" if _is_list(field.annotation) else "?"
        parser.add_argument(name, nargs=nargs, metavar=_metavar(field).name, help=text)
    for name in _in_order(model):
        field = model.model_fields[name]
        if heading := model.groups.get(name):
            below = parser.add_argument_group(heading)
        if typing.get_origin(field.annotation) is not dict:  # those are keys of the file only
            below.add_argument(_flag(name), **_argument(field))
    return parser


_BEAMS_FLAGS = "Other flags go to Beam; in the file they are below the key beam. "


def _has_engine(model: type[Command]) -> bool:
    return issubclass(model, Options)


def _places(model: type[Command]) -> str:
    """What is given by its place, for the line of usage."""
    fields = [model.model_fields[name] for name in model.places]
    names = [(_metavar(field).name + " ..." * _is_list(field.annotation), field.is_required())
             for field in fields]  # fmt: skip
    return "".join(f"{name} " if required else f"[{name}] " for name, required in names)


def _in_order(model: type[Command]) -> list[str]:
    """Options in the order of the help: a class's own first, those of all jobs last."""
    names: list[str] = []
    for kind in model.__mro__:
        for name in getattr(kind, "model_fields", {}):
            inherited = any(name in getattr(base, "model_fields", {}) for base in kind.__mro__[1:])
            if not inherited and name not in (*names, *model.places):
                behind = names.index(model.after[name]) + 1 if name in model.after else len(names)
                names.insert(behind, name)
    return names


def versions() -> str:
    """The program's version, and those of what it mostly depends on."""
    own = {"localized-narratives-beam": __version__}
    found = own | {name: _version_of(name) for name in ("apache-beam", "pyarrow")}
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _version_of(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def with_flags(message: str) -> str:
    """A message of the core as one who gives flags reads it.

    >>> with_flags("publish it with option `guard` off, or raise option `max_bad_share`")
    'publish it with --no-guard, or raise --max-bad-share'
    >>> with_flags("build it with job `index_annotations`")
    'build it with `python -m pipelines.index_annotations`'
    """
    text = _OPTION.sub(lambda found: _flag(f"no_{found[1]}" if found[2] else found[1]), message)
    return _JOB.sub(r"`python -m pipelines.\1`", text)


_OPTION = re.compile(r"\boption `([a-z_]+)`( off\b)?")
_JOB = re.compile(r"\bjob `([a-z_]+)`")
"""What `errors.option` and `errors.job` have written."""


def _called(model: type[Command], name: str) -> str:
    """An option as messages call it: by its flag, or by what stands in its place."""
    if name in model.places:
        return f"`{_metavar(model.model_fields[name]).name}`"
    return f"option `{_flag(name)}`"


def _argument(field: pydantic.fields.FieldInfo) -> dict:
    kind = _without_none(field.annotation)
    default = "" if field.is_required() else _shown_default(field)
    argument = {"help": f"{field.description}{default}".replace("%", "%%")}
    if kind is bool:
        return argument | {"action": argparse.BooleanOptionalAction}
    if typing.get_origin(kind) is list:
        return argument | {"nargs": "+", "action": "extend", "metavar": _metavar(field).name}
    if typing.get_origin(kind) is typing.Literal:
        return argument | {"metavar": "|".join(map(str, typing.get_args(kind)))}
    return argument | {"metavar": _metavar(field).name}


def _metavar(field: pydantic.fields.FieldInfo) -> Metavar:
    """What an option's value is called: by the form in which it may be written."""
    inner = (getattr(kind, "__metadata__", ()) for kind in typing.get_args(field.annotation))
    entries = [*field.metadata, *(entry for entries in inner for entry in entries)]
    numeric = _without_none(field.annotation) in (int, float)
    usual = Metavar("NUMBER" if numeric else "NAME")
    return next((entry for entry in entries if isinstance(entry, Metavar)), usual)


def _shown_default(field: pydantic.fields.FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if default is True:
        return " Default: yes."
    return "" if default in (None, [], "") or default is False else f" Default: {default}."


def _without_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        kinds = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        return _without_none(kinds[0]) if len(kinds) == 1 else annotation
    if typing.get_origin(annotation) is typing.Annotated:
        return _without_none(typing.get_args(annotation)[0])
    return annotation


def _is_list(annotation: Any) -> bool:
    return typing.get_origin(_without_none(annotation)) is list


def _read_config(path: str, model: type[Command]) -> dict:
    values = read_yaml(path)
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise UsageError(f"{path}: must hold `key: value` lines, for example `workers: 2`")
    log.prefer(values.get("log_format"))
    for key in values:
        if key not in model.model_fields:
            near = _nearest(str(key), model.model_fields) or "; see --help for the keys"
            raise UsageError(f"{path}: unknown key `{shown(key)}`{near}")
    return values


def _nearest(name: str, *groups: Collection[str]) -> str:
    """`; did you mean …?`, by the first group of names that has a close one."""
    for names in groups:
        plain = {name.lstrip("-"): name for name in names}
        if close := difflib.get_close_matches(name.lstrip("-"), plain, n=1, cutoff=0.6):
            return f"; did you mean `{plain[close[0]]}`?"
    return ""


def _own_flags(model: type[Command]) -> list[str]:
    negative = [f"--no-{_flag(name)[2:]}" for name, field in model.model_fields.items()
                if field.annotation is bool]  # fmt: skip
    return ["--config", "--version", "--help", *map(_flag, model.model_fields), *negative]


def _refuse_strays(beam_args: Sequence[str], model: type[Command]) -> None:
    """Refuses what is neither ours nor Beam's: a misspelt flag must not be ignored."""
    if not beam_args:
        return
    known = known_flags() if _has_engine(model) else {}
    expects_value = False
    for position, argument in enumerate(beam_args):
        name = argument.partition("=")[0]
        if name == "--beam" and known:
            raise UsageError(_beams_own(beam_args[position:]))
        if name.startswith("--") and name not in known:
            near = _nearest(name, _own_flags(model), known) or "; see --help for the flags"
            raise UsageError(f"unknown flag `{shown(name)}`{near}")
        if not name.startswith("-") and not expects_value:
            said = shown(mask_secrets(argument))
            raise UsageError(f"unexpected argument `{said}`: options are given as --flag value")
        expects_value = name.startswith("-") and "=" not in argument


def _refuse_unknown_beam_keys(names: Collection[str], config: str | None) -> None:
    """Refuses keys below `beam`, which only the file can hold, that are none of Beam's flags."""
    known = [flag.removeprefix("--") for flag in (known_flags() if names else ())]
    for name in names:
        if name not in known:
            near = _nearest(name, known) or "; Beam's documentation lists its pipeline options"
            raise UsageError(f"{config}: unknown key `{shown(name)}` below `beam`{near}")


def _beams_own(arguments: Sequence[str]) -> str:
    """What to say where Beam's options are given as `--beam NAME=VALUE`."""
    given = arguments[0].partition("=")[2] or "".join(arguments[1:2])
    name, _, value = (given if "=" in given else "NAME=VALUE").partition("=")
    name, value = shown(name.lstrip("-")), shown(value)
    return (
        f"`--beam` is a key of the YAML file only: give Beam's option as a flag of its own, "
        f"`--{name}={value}`, or in the file as `beam: {{{name}: {value}}}`"
    )


def _explain(error: pydantic.ValidationError, config: str | None, model: type[Command]) -> str:
    problems = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int))
        where = f"{_called(model, key)}: " if key else ""
        text = _worded(problem, model.model_fields.get(key))
        given = f" (given: {shown(repr(problem['input']))})" if key else ""
        given = "" if problem["type"] == "missing" else given
        problems.append(f"{where}{text[:1].lower()}{text[1:]}{given}")
    source = f" (flags and {config})" if config else ""
    return "; ".join(problems) + source


def _worded(problem: Mapping, field: pydantic.fields.FieldInfo | None) -> str:
    """What is wrong with a value, in the words of our own messages, with examples of its form."""
    if problem["type"] == "missing":
        return "must be given"
    text = problem["msg"].removeprefix("Value error, ")
    plain = text.partition(", unable to parse")[0].replace("Input should be", "must be")
    examples = _metavar(field).examples if field and plain != text else ""
    return f"{plain}, {examples}" if examples else plain
