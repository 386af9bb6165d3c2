"""How versions of images are described and reported."""

import dataclasses
import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import Provenance, ShardRow
from transforms.core.model.units import Counts
from transforms.core.output.jobs.images import IMAGES
from transforms.core.output.jobs.job import Job
from transforms.core.output.statistics.images.outcomes import TABLE
from transforms.core.output.version import Summary
from transforms.units.publishing.publication import Publication, ReadRows

if TYPE_CHECKING:  # reports take a template engine
    from transforms.core.report.page.render import Section

LAYOUTS = ("webdataset", "folders")


class ImagesShardRow(ShardRow, frozen=True, kw_only=True):
    """With what became of the images of a list.

    Attributes:
      images: Fetched.
      failures: Not fetched.
    """

    images: int
    failures: int


class ImagesEntries(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of this job's manifests alone.

    Attributes:
      source: The version of narratives whose images they are.
      policy: Hash of what decides which failures are final.
      round: How often failures were attempted again (`retry_failed`).
      layout: `webdataset` or `folders`.
    """

    source: str
    policy: str
    round: int
    layout: str


class ImagesManifest(Manifest, frozen=True, kw_only=True):
    """The manifest of a version of images; further attributes as of `ImagesEntries`."""

    shards: Sequence[ImagesShardRow]
    counts: Counts
    source: str = ""
    policy: str = ""
    round: int = 0
    layout: str = LAYOUTS[0]

    @property
    def entries(self) -> ImagesEntries:
        """The entries of this job alone."""
        return ImagesEntries(
            source=self.source, policy=self.policy, round=self.round, layout=self.layout
        )


def job_of(layout: str) -> Job:
    """The job for a layout: in folders there are no shards of samples."""
    if layout == LAYOUTS[0]:
        return IMAGES
    tables = {name: schema for name, schema in IMAGES.tables.items() if name != "samples"}
    meanings = {name: text for name, text in IMAGES.meanings.items() if name in tables}
    return dataclasses.replace(IMAGES, tables=tables, meanings=meanings)


def publication_for(
    provenance: Provenance, entries: ImagesEntries, max_bad_share: float = 0.01
) -> "ImagesPublication":
    """How a version is published.

    Args:
      provenance: What is known of it before a line is read.
      entries: Entries of its manifest.
      max_bad_share: Share of rejected lines above which it is not.
    """
    return ImagesPublication(
        job=job_of(entries.layout),
        provenance=provenance,
        entries=entries,
        max_bad_share=max_bad_share,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImagesPublication(Publication):
    """The versions of this job.

    Attributes:
      entries: Entries of its manifest.
    """

    manifest = ImagesManifest

    entries: ImagesEntries

    def describe(self, summary: Summary, shards: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        """Further entries of the manifest."""
        return msgspec.structs.asdict(self.entries)

    def sections(
        self,
        tables: Mapping[str, pa.Table],
        read_rows: ReadRows,  # noqa: ARG002
    ) -> "list[Section]":
        """The outcomes, a row each."""
        from transforms.core.report.page.render import Section

        names = tables[TABLE].schema.names
        head = "".join(f"<th>{name}</th>" for name in names)
        body = "".join(
            f"<tr>{''.join(_cell(row[name]) for name in names)}</tr>"
            for row in tables[TABLE].to_pylist()
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        text = f'<section id="outcomes"><h2>Outcomes</h2>{table}</section>'
        return [Section("outcomes", "Outcomes", text)]


def _cell(value: Any) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{html.escape(value or '–')}</td>"
