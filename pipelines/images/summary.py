"""What `images` prints: how many were fetched, and why the others were not."""

import collections
import json
from typing import Any

from pipelines.images.options import ImagesOptions
from pipelines.runs.failure import is_place_said
from transforms import storage
from transforms.collections.images.publication import ImagesManifest
from transforms.core.model import layout
from transforms.core.output.statistics.images.outcomes import FETCHED, TABLE
from transforms.core.report.page.formats import plural
from transforms.core.stages.fetch.reasons import REASONS
from transforms.units.publishing.read_version import read_table


def show(
    options: ImagesOptions,
    manifest: ImagesManifest,
    status: str = "published",
    exit_code: int = 0,
) -> int:
    """Prints the summary of the version that a manifest describes; returns the exit code."""
    if is_place_said(options, manifest.version):
        return exit_code
    folder = storage.join(options.output, layout.version_folder(manifest.version))
    outcomes = read_table(storage.join(folder, TABLE, f"{TABLE}.parquet")).to_pylist()
    if options.summary == "json":
        ended = {"status": status, "exit_code": exit_code, "retryable": False}
        print(json.dumps(ended | _as_json(manifest, folder, outcomes), indent=1))
    else:
        print("\n".join(_as_text(manifest, folder, outcomes)), flush=True)
    return exit_code


def _as_json(
    manifest: ImagesManifest, folder: str, outcomes: list[dict[str, Any]]
) -> dict[str, Any]:
    rows = manifest.counts.rows
    return {
        "version": manifest.version,
        "folder": folder,
        "source": manifest.source,
        "images": manifest.counts.lines,
        "fetched": rows.get("images", 0),
        "failed": rows.get("failures", 0),
        "failed_for_now": manifest.counts.further.get("retryable", 0),
        "reasons": manifest.counts.further.get("reasons", {}),
        "outcomes": outcomes,
    }


def _as_text(manifest: ImagesManifest, folder: str, outcomes: list[dict[str, Any]]) -> list[str]:
    rows, counts = manifest.counts.rows, collections.Counter[str]()
    for row in outcomes:
        counts[row["outcome"]] += row["images"]
    size = sum(row["bytes"] for row in outcomes if row["outcome"] == FETCHED)
    images = plural(manifest.counts.lines, "image")
    failed = rows.get("failures", 0)
    lines = [f"{images}: {rows.get('images', 0):,} fetched ({size / 1e6:,.1f} MB), {failed:,} not."]
    del counts[FETCHED]
    lines += [
        f"  {number:>9,}  {reason:<20}{REASONS[reason].meaning}"
        for reason, number in counts.most_common()
    ]
    if retryable := manifest.counts.further.get("retryable"):
        lines.append(
            f"{retryable:,} of these may succeed later: --retry-failed attempts them again."
        )
    return [*lines, f"Version {manifest.version}: {folder}"]
