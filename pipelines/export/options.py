"""Options of the exports of versions: those of all targets, and what each of these declares."""

import itertools
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import pydantic

from pipelines.cli.options import Options
from pipelines.cli.values import Folder, Metavar
from pipelines.export.targets.options import TargetOptions, take_options
from pipelines.export.targets.registry import TARGETS


def _takers() -> dict[str, tuple[str, ...]]:
    """Targets by option, options that the same targets take beside each other."""
    names = dict.fromkeys(name for kind in TARGETS.values() for name in kind.model_fields)
    takers = {
        name: tuple(to for to, kind in TARGETS.items() if name in kind.model_fields)
        for name in names
    }
    in_order = list(dict.fromkeys(takers.values()))
    return dict(sorted(takers.items(), key=lambda found: in_order.index(found[1])))


def _field(name: str) -> tuple[Any, Any]:
    """An option as one that may be missing, since not all targets take it."""
    field = TARGETS[_TAKERS[name][0]].model_fields[name]
    if not field.is_required():
        return field.annotation, field
    loose = pydantic.fields.FieldInfo.merge_field_infos(field, default=None)
    return Optional[field.annotation], loose  # noqa: UP045


_TAKERS = _takers()
_HEADINGS = {
    next(group): "--to " + ", ".join(targets)
    for targets, group in itertools.groupby(_TAKERS, _TAKERS.__getitem__)
}

if TYPE_CHECKING:
    _OfTargets = Options
else:
    _OfTargets = pydantic.create_model(
        "_OfTargets", __base__=Options, **{name: _field(name) for name in _TAKERS}
    )


class ExportOptions(_OfTargets):
    """Options of `python -m pipelines.export`."""

    example = "--to postgres --dsn postgresql://me@localhost/images --input out"
    exit_codes = (
        "0 done or nothing to do; 2 wrong use, or data that the system cannot take; 4 the engine "
        "or the system failed or refuses the user; 129, 130 and 143 stopped by SIGHUP, Ctrl-C and "
        "SIGTERM"
    )
    groups = {
        "to": "what is exported, and where to",
        **_HEADINGS,
        "summary": "what is printed",
        "runner": "engine",
    }
    after = {
        "log_format": "summary",
        **dict(zip(_TAKERS, ("id", *_TAKERS), strict=False)),
    }

    to: Literal[*TARGETS] = pydantic.Field(  # type: ignore[valid-type]
        description="; ".join(f"{name}: {kind.about}" for name, kind in TARGETS.items())
        + ". `--to postgres DSN` is short for `--to postgres --dsn DSN`."
    )
    input: Folder = pydantic.Field(
        min_length=1, description="Output folder of the job that made the version."
    )
    id: Annotated[str, Metavar("ID")] = pydantic.Field(
        "current",
        description="The version: its name, four or more of the first characters of that, a tag, "
        "current or previous.",
    )
    summary: Literal["text", "json"] = pydantic.Field(
        "text", description="How the summary is printed at the end."
    )

    def of_target(self) -> TargetOptions:
        """The options of the target that is exported to.

        Raises:
          UsageError: One is another target's, or one that must be given is missing.
        """
        values = {name: getattr(self, name) for name in _TAKERS if name in self.model_fields_set}
        given = {name: value for name, value in values.items() if value is not None}
        return take_options(self.to, TARGETS, given)
