"""The rules of a file of checks, with the versions that they compare a run with."""

import dataclasses
from collections.abc import Mapping

import pyarrow as pa

from transforms import storage
from transforms.core.base.errors import UNREADABLE, option
from transforms.core.model.manifest_entries import CheckRow, NotCompared
from transforms.core.model.narratives.manifest import BuildManifest
from transforms.core.output.checks.comparison import check_rules
from transforms.core.output.checks.profile import TABLES, Profile, make_profile
from transforms.core.output.checks.rules import PREVIOUS, RangeRule, Rules, tags_of
from transforms.core.output.statistics.collection import Statistics
from transforms.core.output.statistics.narratives.distances import Distances
from transforms.core.output.statistics.narratives.localization import Localization
from transforms.core.output.statistics.narratives.noun_counts import NounCounts
from transforms.core.output.statistics.narratives.richness import Richness
from transforms.units.publishing.read_version import read_manifest, read_table


@dataclasses.dataclass(frozen=True)
class RulesInUse:
    """What a run is judged by, beside the guard.

    Attributes:
      rules: By name.
      tagged: Folders of the versions that rules name by their tags, None where no version has one.
      left_out: Rules that an option stands in place of, with the option's name.
    """

    rules: Rules = dataclasses.field(default_factory=dict)
    tagged: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def judge(
        self, profile: Profile, previous: str | None
    ) -> tuple[list[CheckRow], list[NotCompared]]:
        """Judges a run (`check_rules`).

        Args:
          profile: Of the run.
          previous: The folder of the version that was current, None for none.
        """
        baselines: dict[str, Profile | str] = {}
        compared = [r for r in self.rules.values() if not isinstance(r, RangeRule)]
        for against in {rule.against for rule in compared}:
            baselines[against] = self._baseline(against, previous)
        checks, not_compared = check_rules(self.rules, profile, baselines)
        given = [
            NotCompared(name, f"{option(limit)} is given in its place")
            for name, limit in self.left_out.items()
        ]
        return checks, [*not_compared, *given]

    def judge_ranges(self, profile: Profile) -> list[CheckRow]:
        """Judges a version that is current: what it was compared with is not looked at again."""
        ranges = {name: r for name, r in self.rules.items() if isinstance(r, RangeRule)}
        return check_rules(ranges, profile, {})[0]

    def _baseline(self, against: str, previous: str | None) -> Profile | str:
        """The version that rules compare with, or why there is none."""
        folder = previous if against == PREVIOUS else self.tagged.get(against)
        if folder is None:
            if against == PREVIOUS:
                return "there is no earlier version"
            return f"no version has the tag {against!r}: `tag ID {against}` gives it to one"
        try:
            return read_profile(folder)
        except (OSError, *UNREADABLE):
            return f"{folder!r} is missing, corrupt, or of another format"


def read_profile(folder: str) -> Profile:
    """The profile of a version, of its manifest and statistics tables.

    Raises:
      UsageError: The version is missing, corrupt, or of a format that is not read.
      ValueError: A table is corrupt.
    """
    manifest = read_manifest(folder, BuildManifest)
    tables = {
        file.table: read_table(storage.join(folder, file.path))
        for file in manifest.files
        if file.table in TABLES
    }
    return make_profile(manifest, tables)


def measured_tables(statistics: Statistics) -> dict[str, pa.Table]:
    """Those of `profile.TABLES`, of merged statistics."""
    made: dict[str, pa.Table] = {}
    for kind in (Richness, NounCounts, Distances):
        made |= statistics[kind].to_tables()
    return {**made, "localization": statistics[Localization].counts_table()}


def resolve_tags(rules: Rules, tags: Mapping[str, str]) -> dict[str, str | None]:
    """Folders of versions by the tags that rules name, None where no version has one.

    Args:
      rules: The rules.
      tags: Folders of versions by tag.
    """
    return {name: tags.get(name) for name in tags_of(rules)}
