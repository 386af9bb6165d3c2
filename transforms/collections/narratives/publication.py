"""How versions of narratives are described, judged and reported."""

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
import pyarrow as pa

from transforms import storage
from transforms.collections.narratives.rules_in_use import (
    RulesInUse,
    measured_tables,
    read_profile,
)
from transforms.core.base.errors import UNREADABLE, UsageError
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest, NewerFormatError
from transforms.core.model.narratives.manifest import (
    Baseline,
    BuildManifest,
    NarrativeCounts,
    NarrativeShardRow,
    RepeatedKeyRow,
    Repeats,
    SplitRow,
    decode_baseline,
)
from transforms.core.model.narratives.naming import is_generated
from transforms.core.model.narratives.schemas import LOCALIZATION_COUNTS, MENTIONS
from transforms.core.output.checks import verdict
from transforms.core.output.checks.changes import compare_profiles
from transforms.core.output.checks.expected import Expected, compare
from transforms.core.output.checks.guard import Limits, run_checks
from transforms.core.output.checks.profile import Profile, make_profile
from transforms.core.output.checks.verdict import FoundNarratives, Verdict
from transforms.core.output.jobs.job import Job
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.output.statistics.collection import Statistics
from transforms.core.output.statistics.narratives.localization import Localization
from transforms.core.output.statistics.narratives.richness import Richness
from transforms.core.output.statistics.narratives.totals import TOTALS, Totals
from transforms.core.output.version import Summary, total_counts
from transforms.units.publishing.publication import ManifestKind, Publication, ReadRows

SHOWN_REPEATED_KEYS = 100

EXAMPLES = 500
"""Narratives of a unit among which the report's example is chosen."""

EXAMPLE_UNITS = 8
"""Units in which a real one is looked for."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NarrativesPublication(Publication):
    """The versions of the main job.

    Attributes:
      expected: The splits of a catalog to which shards belong.
      limits: What a run must keep to be published.
      rules: What a file of checks asks for.
    """

    manifest = BuildManifest

    job: Job = NARRATIVES
    expected: tuple[Expected, ...] = ()
    limits: Limits = Limits()
    rules: RulesInUse = RulesInUse()

    def describe(self, summary: Summary, shards: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Catalogued splits, numbers of each split, counts by name, and repeated keys."""
        counts = total_counts(summary.records.values())
        return {
            "expected": compare(self.expected, msgspec.convert(shards, list[NarrativeShardRow])),
            "splits": describe_splits(summary.statistics),
            "counts": NarrativeCounts.of(counts),
            "repeated_keys": describe_repeats(summary.statistics),
        }

    def check(self, manifest: ManifestKind, summary: Summary, previous: str | None) -> ManifestKind:
        """The guard's shares, the rules of the file of checks, and what differs from before."""
        made = cast(BuildManifest, manifest)
        baseline = read_baseline(previous) if previous else None
        shares = run_checks(made, baseline, self.limits)
        profile = make_profile(made, measured_tables(summary.statistics))
        checks, not_compared = self.rules.judge(profile, previous)
        before = _profile_of(previous)
        return msgspec.structs.replace(
            made,
            checks=[*shares, *checks],
            not_compared=not_compared,
            changes=compare_profiles(before, profile) if before else [],
        )  # type: ignore[return-value]

    def judge(self, manifest: Manifest) -> Verdict | None:
        """By rows, bad lines, published counts and the guard (`verdict.judge`)."""
        return verdict.judge(cast(BuildManifest, manifest), self.limits)

    def describe_failure(
        self, manifest: Manifest, folder: str, elsewhere: Mapping[str, str] | None = None
    ) -> FoundNarratives:
        """With catalogued and other splits."""
        return verdict.describe_failure(manifest, folder, elsewhere, FoundNarratives)

    def pages(
        self, manifest: Manifest, tables: Mapping[str, pa.Table], read_rows: ReadRows
    ) -> dict[str, str]:
        """The dataset card and the report."""
        from transforms.core.report.card import render_card
        from transforms.core.report.narratives.report import render_report
        from transforms.core.report.narratives.views import generated_splits, selection

        described = cast(BuildManifest, manifest)
        card = render_card(
            manifest.version,
            manifest.files,
            tables["richness"],
            generated_splits(described),
            selection(described),
        )
        report = render_report(described, tables, *_example(manifest, read_rows))
        return {layout.CARD: card, layout.REPORT: report}


def _profile_of(folder: str | None) -> Profile | None:
    """The profile of a version, None where there is none that can be read."""
    if folder is None:
        return None
    with contextlib.suppress(OSError, *UNREADABLE):
        return read_profile(folder)
    return None


def read_baseline(folder: str) -> Baseline | None:
    """What of a version a later run is compared with.

    None where the manifest, of this format or an older one, is missing or corrupt.

    Raises:
      NewerFormatError: A newer version of this program wrote it.
    """
    path = storage.join(folder, layout.MANIFEST)
    try:
        return decode_baseline(storage.read_bytes(path), path)
    except NewerFormatError:
        raise
    except UsageError:
        return None


def describe_splits(statistics: Statistics) -> list[SplitRow]:
    """Numbers of each dataset and split (`totals.TOTALS`), and of its mentions.

    `with_box` are the mentions for which there is a box of their class in their image.
    """
    mentions: Counter = Counter()
    with_box: Counter = Counter()
    for (dataset, split, *_), values in statistics[Localization].counts.items():
        counts = dict(zip(LOCALIZATION_COUNTS, values, strict=True))
        mentions[dataset, split] += counts["mentions"]
        with_box[dataset, split] += counts["mentions"] - counts["without_box_of_class"]
    made = [
        SplitRow(
            dataset=split[0],
            split=split[1],
            **{name: counter[name] for name in TOTALS},
            mentions=mentions[split],
            with_box=with_box[split],
        )
        for split, counter in statistics[Totals].splits.items()
    ]
    return sorted(made, key=lambda row: (row.dataset or "", row.split or ""))


def describe_repeats(statistics: Statistics) -> Repeats:
    """How many narratives share their key with another one, under how many keys, and the first."""
    repeats = statistics[Richness].repeated_keys()
    return Repeats(
        narratives=sum(row["narratives"] for row in repeats),
        keys=len(repeats),
        first=[RepeatedKeyRow(**row) for row in repeats[:SHOWN_REPEATED_KEYS]],
    )


def _example(manifest: Manifest, read_rows: ReadRows) -> tuple[dict | None, list[dict]]:
    """A narrative for the report to draw, with its mentions.

    It is one of the first of the units with most mentions, a real one where these have any.
    """
    from transforms.core.report.narratives.example import choose_example

    files = {file.path: file.rows for file in manifest.files}
    units = [path for path in files if path.startswith("narratives/")]
    units.sort(key=lambda path: -files.get(_mentions_of(path), 0))
    first = None
    for narratives in units[:EXAMPLE_UNITS]:
        mentions = _mentions_of(narratives)
        found = choose_example(
            read_rows(narratives, EXAMPLES),
            read_rows(mentions, files[mentions]) if files.get(mentions) else MENTIONS.empty_table(),
        )
        if found[0] and not is_generated(found[0]["dataset_id"]):
            return found
        first = first if first and first[0] else found
    return first or (None, [])


def _mentions_of(path: str) -> str:
    return path.replace("narratives", "mentions")
