"""How versions of Open Images are described, reconciled with official numbers, and reported."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec
import pyarrow as pa

from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.narratives.manifest import ExpectedRow
from transforms.core.model.open_images.manifest import OpenImagesManifest
from transforms.core.output.checks import verdict
from transforms.core.output.checks.expected import explain_difference
from transforms.core.output.checks.verdict import Found, Verdict
from transforms.core.output.commit_records import UnitRecord
from transforms.core.output.jobs.job import Job
from transforms.core.output.jobs.open_images import OPEN_IMAGES
from transforms.core.output.version import Summary
from transforms.core.sources.annotations.releases.official import OFFICIAL
from transforms.units.publishing.publication import Publication, ReadRows


class FoundReleases(Found, frozen=True, kw_only=True):
    """What a run found that is not published, with the official numbers."""

    expected: list[ExpectedRow]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OpenImagesPublication(Publication):
    """The versions of Open Images.

    Attributes:
      allow_partial: Whether other numbers of rows than the official ones are published too.
    """

    manifest = OpenImagesManifest

    job: Job = OPEN_IMAGES
    allow_partial: bool = False

    def describe(self, summary: Summary, shards: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        """Official numbers beside those read."""
        return {"expected": compare_official(summary.records.values())}

    def judge(self, manifest: Manifest) -> Verdict | None:
        """By rows, bad lines and official numbers."""
        return super().judge(manifest) or judge_official(
            cast(OpenImagesManifest, manifest), self.allow_partial
        )

    def describe_failure(
        self, manifest: Manifest, folder: str, elsewhere: Mapping[str, str] | None = None
    ) -> FoundReleases:
        """With the official numbers."""
        return verdict.describe_failure(manifest, folder, elsewhere, FoundReleases)

    def pages(
        self, manifest: Manifest, tables: Mapping[str, pa.Table], read_rows: ReadRows
    ) -> dict[str, str]:
        """The dataset card, and the report with the seed's three figures."""
        from transforms.core.report.open_images.report import render_release_report

        made = super().pages(manifest, tables, read_rows)
        report = render_release_report(cast(OpenImagesManifest, manifest), tables, self.job)
        return {**made, layout.REPORT: report}


def judge_official(manifest: OpenImagesManifest, allow_partial: bool) -> Verdict | None:
    """Why a run with other numbers of rows than the official ones is not published."""
    difference = explain_difference(manifest.expected)
    if difference is None or allow_partial:
        return None
    return Verdict("not_as_published", f"{difference}: nothing was published")


def compare_official(records: Iterable[UnitRecord]) -> list[ExpectedRow]:
    """Official numbers of each kind, release and split of which something was read.

    Args:
      records: Of all units.
    """
    read: Counter = Counter()
    rejected: Counter = Counter()
    shards: dict[str, set[str]] = {}
    bad: Counter = Counter()
    for record in records:
        bad[record.unit.shard] += record.counts.bad
        for key, number in _rows_by_split(record).items():
            read[key] += number
            shards.setdefault(key, set()).add(record.unit.shard)
    for key, names in shards.items():
        rejected[key] = sum(bad[name] for name in names)
    known = [(key, "/".join(key)) for key in OFFICIAL]
    return [
        _compare(key, read[name], sorted(shards[name]), rejected[name])
        for key, name in known
        if name in shards
    ]


def _rows_by_split(record: UnitRecord) -> Mapping[str, int]:
    found = record.counts.further.get("rows_by_split", {})
    return msgspec.convert(found, dict[str, int])


def _compare(key: tuple[str, str, str], read: int, shards: list[str], rejected: int) -> ExpectedRow:
    release, split, kind = key
    expected = OFFICIAL[key]
    return ExpectedRow(
        group=" ".join(key).replace("_", " "),
        kind=kind,
        dataset=release,
        split=split,
        shards=shards,
        absent=[],
        expected=expected,
        read=read,
        rejected=rejected,
        missing=max(0, expected - read),
        surplus=max(0, read - expected),
    )
