"""The file of checks: reading it, and what is said of a wrong one."""

import pathlib
from collections.abc import Collection, Mapping
from typing import Annotated, Any

import pydantic

import pipelines
from pipelines.cli.values import read_share
from pipelines.cli.yaml_files import read_yaml
from transforms import storage
from transforms.collections.narratives.rules_in_use import RulesInUse, resolve_tags
from transforms.core.base.errors import UsageError, shown
from transforms.core.model import layout
from transforms.core.output.checks.rules import (
    ChangesRule,
    DivergenceRule,
    DriftRule,
    RangeRule,
    Rules,
    tags_of,
    under_options,
)
from transforms.versions.survey import is_tag, read_tags

SHIPPED = pathlib.Path(pipelines.__file__).parent / "embedded" / "configs" / "checks.yaml"
"""The file that comes with the package: `configs/checks.yaml` of the repository."""

KINDS = ("range", "drift", "jensen_shannon", "changes")

_Name = Annotated[str, pydantic.StringConstraints(pattern=r"^[a-z0-9_]+$")]
_Rule = Annotated[
    RangeRule | DriftRule | DivergenceRule | ChangesRule, pydantic.Field(discriminator="kind")
]


class _File(pydantic.BaseModel):
    """What the file holds."""

    model_config = pydantic.ConfigDict(extra="forbid")

    checks: dict[_Name, _Rule]


def read_rules(path: str | None) -> Rules:
    """Reads a file of checks; None takes the shipped one.

    Raises:
      UsageError: It is missing or malformed; says where, and how it is to be.
    """
    path = path or str(SHIPPED)
    values = read_yaml(path)
    try:
        rules = _File.model_validate(_with_shares(values)).checks
    except pydantic.ValidationError as error:
        raise UsageError(
            f"{path}: {_explain(error)}; see configs/checks.yaml for the form"
        ) from error
    if wrong := [tag for tag in tags_of(rules) if not is_tag(tag)]:
        raise UsageError(
            f"{path}: no tag can be called `{shown(wrong[0])}`, which stands at `against`: give "
            "`previous` or the name of a tag"
        )
    return rules


def rules_in_use(rules: Rules, given: Collection[str], output: str) -> RulesInUse:
    """Rules as a run is judged by them.

    Args:
      rules: What the file holds.
      given: Names of the options that were given, which win over it.
      output: The output folder, whose tags rules may name.
    """
    kept, left_out = under_options(rules, given)
    tags = read_tags(output) if tags_of(kept) else {}
    folders = {
        name: storage.join(output, layout.version_folder(version))
        for name, version in tags.items()
        if layout.is_version(version)
    }
    return RulesInUse(kept, resolve_tags(kept, folders), left_out)


def _with_shares(values: Any) -> Any:
    """Percentages as shares, wherever they stand."""
    if isinstance(values, Mapping):
        return {key: _with_shares(value) for key, value in values.items()}
    return read_share(values)


def _explain(error: pydantic.ValidationError) -> str:
    """The first problem: its key, and what is wrong there."""
    problem = error.errors()[0]
    kinds = set(KINDS)
    parts = [str(part) for part in problem["loc"] if part != "[key]"]
    key = ".".join(part for place, part in enumerate(parts) if place != 2 or part not in kinds)
    text = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if problem["type"].startswith("union_tag"):
        key, text = f"{key}.kind", f"must be one of {', '.join(KINDS)}"
    elif problem["type"] in ("missing", "missing_keyword_only_argument"):
        text = "must be given"
    elif problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        text = "there is no such key"
    elif problem["type"] in ("dict_type", "model_type", "dataclass_type"):
        text = "must hold `name: {kind: …}` entries below `checks`"
    place = f"at `{shown(key)}`" if key else "at its top"
    return f"not a file of checks, {place}: {text[:1].lower()}{text[1:]}"
