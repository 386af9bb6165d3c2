"""The parameters of the Flex template: those of the main job's options that it can take.

A template's parameters are single strings. Lists are given with commas between their values, so
no value of a list can hold a comma; truth values are `true` and `false`.
"""

import dataclasses
import types
import typing
from typing import Any

import annotated_types
import pydantic

from pipelines.build.options import DATASET, BuildOptions
from pipelines.cli.values import Metavar

LEFT_OUT = {
    "beam": "the template's environment and launch flags say this",
    "boxes": "indexed beforehand: see annotations",
    "classes": "indexed beforehand: see annotations",
    "data": "names of the catalog stand for files of a bucket by a catalog of one's own",
    "discard_per_char": "calibration is a pass of its own, before the job",
    "discard_share": "calibration is a pass of its own, before the job",
    "dry_run": "printed where the job was started",
    "if_running": "a launcher must not wait: it fails while another run is at work",
    "if_changed": "an exit code, which a launcher takes for a failure",
    "hierarchy": "indexed beforehand: see annotations",
    "images": "indexed beforehand: see annotations",
    "labels": "indexed beforehand: see annotations",
    "log_format": "printed where the job was started",
    "metrics": "written where the job was started",
    "profile": "printed where the job was started",
    "quiet": "printed where the job was started",
    "runner": "Dataflow",
    "summary": "printed where the job was started",
    "transcript_files": "indexed in a job of its own, before this one",
    "transcripts": "those without files are the default",
    "verbose": "printed where the job was started",
    "verify_output": "compares what is in a bucket, where checksums are compared at every run",
    "verify_inputs": "compares what is on disks; a bucket knows the checksums of its objects",
    "wait": "a launcher must not wait",
    "workers": "of the local engine",
}
"""Options that make no sense in a template, and why."""

_BUCKET = "gs://[a-z0-9][a-z0-9._-]+[a-z0-9]"
_OBJECT = f"{_BUCKET}/[^,]+"
_NAME = "[a-z0-9_]+"
_SHARE = "(0([.][0-9]+)?|1([.]0+)?|(100([.]0+)?|[1-9]?[0-9]([.][0-9]+)?)%)"
_BYTES = "[1-9][0-9]*(([kKMGT]i?)?B)?"

_FORMS = {"BYTES": _BYTES, "SHARE": _SHARE}
"""Patterns of the forms in which values of options may be written (`pipelines.cli.values`)."""
_DECIMAL = "[0-9]+([.][0-9]+)?"

_KINDS = {
    "annotations": ("GCS_READ_FOLDER", _OBJECT),
    "annotations_for": ("TEXT", f"{_NAME}=(coco|open_images)"),
    "catalog": ("TEXT", _OBJECT),
    "checks": ("GCS_READ_FILE", _OBJECT),
    "dataset": ("TEXT", DATASET),
    "input": ("TEXT", f"({_OBJECT}|{_NAME})"),
    "max_distance_per_char": ("TEXT", f"({_DECIMAL}([eE][-+]?[0-9]+)?|[0-9]+/[0-9]*[1-9][0-9]*)"),
    "output": ("GCS_WRITE_FOLDER", f"{_BUCKET}(/[^,]*)?"),
    "tagger": ("TEXT", "[A-Za-z0-9_.-]+"),
}
"""Type and pattern of texts of which the option's own type does not tell more."""

_HELP = {
    "annotations": "Folder of a ready annotation index: what `python -m "
    "pipelines.index_annotations` printed at its end.",
    "catalog": "Catalogs of known files: dataset, split and expected narratives. Without one, "
    "the catalog of the official files.",
    "input": "Narrative shards: objects, patterns, or names of a catalog whose folder is in a "
    "bucket. .jsonl, .jsonl.gz or .jsonl.zst.",
    "subclasses": "Let a mention use boxes of subclasses. The annotation index must have been "
    "built with a hierarchy.",
}
"""Help where the option's own speaks of flags that a template does not have."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter of the template.

    Attributes:
      name: Of the option.
      help: What it is, with its default.
      kind: `paramType` of the Dataflow API.
      regex: POSIX extended; the whole value must match.
      is_list: Whether it holds several values, with commas between them.
      is_optional: Whether it may be missing.
      default: As the parameter would be given; empty for none.
      choices: All that it can be; empty where that is not a matter of a few words.
    """

    name: str
    help: str
    kind: str
    regex: str
    is_list: bool
    is_optional: bool
    default: str
    choices: tuple[str, ...]


def template_parameters() -> list[Parameter]:
    """All parameters, in the order of the options."""
    return [
        _parameter(name, field)
        for name, field in BuildOptions.model_fields.items()
        if name not in LEFT_OUT
    ]


def _parameter(name: str, field: pydantic.fields.FieldInfo) -> Parameter:
    value, limits = _value_type(field.annotation, field.metadata)
    is_list = typing.get_origin(value) is list
    if is_list:
        value, limits = _value_type(typing.get_args(value)[0], [])
    choices = typing.get_args(value) if typing.get_origin(value) is typing.Literal else ()
    kind, pattern = _KINDS.get(name) or _kind_and_pattern(value, choices, limits)
    default = "" if field.is_required() else _as_text(field.get_default())
    return Parameter(
        name=name,
        help=_help(name, field, is_list, default),
        kind="TEXT" if is_list else kind,
        regex=f"^{pattern}(,{pattern})*$" if is_list else f"^{pattern}$",
        is_list=is_list,
        is_optional=not field.is_required(),
        default=default,
        choices=() if is_list else choices,
    )


def _value_type(annotation: Any, metadata: list) -> tuple[type, list]:
    """The type without `None` and annotations, and what limits its values."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        (annotation,) = (kind for kind in arguments if kind is not types.NoneType)
        return _value_type(annotation, metadata)
    if origin is typing.Annotated:
        return _value_type(arguments[0], [*metadata, *arguments[1:]])
    return annotation, [limit for entry in metadata for limit in _limits(entry)]


def _limits(entry: object) -> list:
    """What a field's annotation holds: a single limit, or a field description with several."""
    return entry.metadata if isinstance(entry, pydantic.fields.FieldInfo) else [entry]


def _kind_and_pattern(value: type, choices: tuple, limits: list) -> tuple[str, str]:
    """Type and pattern of a single value.

    Raises:
      TypeError: Nobody has said what the text must look like.
    """
    if choices:
        return "ENUM", f"({'|'.join(choices)})"
    if value is bool:
        return "BOOLEAN", "(true|false)"
    for limit in limits:
        if isinstance(limit, Metavar) and limit.name in _FORMS:
            return "TEXT", _FORMS[limit.name]
    if value in (int, float):
        return "NUMBER", _number(value, limits)
    raise TypeError(f"no pattern for values of {value}: add the option to _KINDS or LEFT_OUT")


def _number(value: type, limits: list) -> str:
    """Pattern of a number that is not negative; of its limits, 0 and the sign are kept."""
    bounds: list[Any] = [limit.ge for limit in limits if isinstance(limit, annotated_types.Ge)]
    least = max(bounds, default=0)
    if value is int:
        return "[1-9][0-9]*" if least > 0 else "(0|[1-9][0-9]*)"
    return _DECIMAL


def _as_text(default: object) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    return ",".join(default) if isinstance(default, list) else str(default)


def _help(name: str, field: pydantic.fields.FieldInfo, is_list: bool, default: str) -> str:
    text = _HELP.get(name, field.description or "")
    text += " Several are separated by commas." if is_list else ""
    return f"{text} Default: {default}." if default not in ("", "false") else text
