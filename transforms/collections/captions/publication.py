"""What the versions of captions say of themselves."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import cast

import pyarrow as pa

from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.output.jobs.captions import CAPTIONS_JOB
from transforms.core.output.jobs.job import Job
from transforms.core.sources.captions.schemas import CaptionsManifest, CaptionsProvenance
from transforms.units.publishing.publication import Publication, ReadRows


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionsPublication(Publication):
    """How versions of captions are described and judged."""

    manifest = CaptionsManifest

    job: Job = CAPTIONS_JOB
    provenance: CaptionsProvenance

    @property
    def marks(self) -> Collection[str]:
        """The version of narratives that the report shows beside the captions."""
        compared = self.provenance.narratives
        return (f"narratives {compared.version}",) if compared else ()

    def pages(
        self,
        manifest: Manifest,
        tables: Mapping[str, pa.Table],
        read_rows: ReadRows,  # noqa: ARG002
    ) -> dict[str, str]:
        """The card and the report."""
        from transforms.core.report.captions.report import render_captions_report
        from transforms.core.report.card import render_tables_card

        report = render_captions_report(cast(CaptionsManifest, manifest), tables)
        card = render_tables_card(manifest.version, manifest.files, self.job)
        return {layout.CARD: card, layout.REPORT: report}
