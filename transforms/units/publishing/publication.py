"""What a job adds to publishing: entries of its manifest, its verdict, and its pages."""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pyarrow as pa

from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import Provenance
from transforms.core.output.checks.verdict import (
    Found,
    Verdict,
    describe_failure,
    judge_bad_lines,
    judge_rows,
)
from transforms.core.output.jobs.job import Job
from transforms.core.output.version import Summary

if TYPE_CHECKING:  # reports take a template engine
    from transforms.core.report.page.render import Section

ManifestKind = TypeVar("ManifestKind", bound=Manifest)

ReadRows = Callable[[str, int], pa.Table]
"""Reads the first rows of a Parquet file of the version, by its path in it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Publication:
    """How the versions of a job are described and judged; a job with more to say has a subclass.

    Attributes:
      job: The job.
      provenance: Entries of the manifest that are known before a line is read.
      max_bad_share: Rejected lines, among those that are not blank, of a run that is published.
    """

    manifest: ClassVar[type[Manifest]] = Manifest
    """Entries of its manifests."""

    job: Job
    provenance: Provenance
    max_bad_share: float = 0.01

    def describe(self, summary: Summary, shards: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        """Further entries of the manifest.

        Args:
          summary: All units.
          shards: The conservation law for each shard (`version.reconcile`).
        """
        return {}

    def check(
        self,
        manifest: ManifestKind,
        summary: Summary,  # noqa: ARG002
        previous: str | None,  # noqa: ARG002
    ) -> ManifestKind:
        """The manifest with what the run is judged by.

        Args:
          manifest: Of the run.
          summary: All units.
          previous: The folder of the version that was current, None for none.
        """
        return manifest

    @property
    def marks(self) -> Collection[str]:
        """Names of what its versions show beside what the units hold.

        They are part of a version's name: one that shows something else is another one.
        """
        return ()

    @property
    def columns(self) -> dict[str, dict[str, str]]:
        """Types of the columns of each table of a version."""
        return {
            table: {field.name: str(field.type) for field in schema}
            for table, schema in self.job.all_tables.items()
        }

    def judge(self, manifest: Manifest) -> Verdict | None:
        """Why a run may not be published, the gravest reason first; None where it may."""
        return judge_rows(manifest) or judge_bad_lines(manifest, self.max_bad_share)

    def describe_failure(
        self, manifest: Manifest, folder: str, elsewhere: Mapping[str, str] | None = None
    ) -> Found:
        """What a run found that is not published (`verdict.describe_failure`)."""
        return describe_failure(manifest, folder, elsewhere)

    def pages(
        self,
        manifest: Manifest,
        tables: Mapping[str, pa.Table],
        read_rows: ReadRows,
    ) -> dict[str, str]:
        """Files of a version that are no tables, by name.

        Args:
          manifest: Of the version.
          tables: Tables of its merged statistics.
          read_rows: Reads from tables of its units.
        """
        from transforms.core.report.card import render_tables_card
        from transforms.core.report.page.render import render_tables_report

        return {
            layout.CARD: render_tables_card(manifest.version, manifest.files, self.job),
            layout.REPORT: render_tables_report(
                manifest, self.job, self.sections(tables, read_rows)
            ),
        }

    def sections(
        self,
        tables: Mapping[str, pa.Table],  # noqa: ARG002
        read_rows: ReadRows,  # noqa: ARG002
    ) -> "list[Section]":
        """What the report has between its lines and its origin; arguments as of `pages`."""
        return []
