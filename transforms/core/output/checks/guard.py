"""The guard: shares of a run that tell wrong input from right, each with its limit.

A run with a share beyond its limit is held back: its version is complete, but not current, until
someone has looked at it. Shares are judged split by split, so that a small split that went wrong
does not vanish among large ones.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from transforms.core.base.errors import option
from transforms.core.model.manifest_entries import CheckRow, MeasuredShare
from transforms.core.model.narratives.manifest import (
    Baseline,
    BaselineSplit,
    BuildManifest,
    IndexDescription,
    NarrativeCounts,
    SplitRow,
)
from transforms.core.sources.annotations.contents import COVERS

KINDS = {"images": "image lists", "labels": "label files", "boxes": "box files"}
"""Annotations whose images are compared with those of the input, and what they are called."""

SHARE = "share"
"""The kind of the guard's checks; others are rules of a file."""

_JUDGED_DATASETS = {"open_images": ("open_images", "generated"), "coco": ("coco",)}
"""By whose annotations they are: the datasets whose images they are about."""

QUALITY_OPTIONS = (
    "transcripts",
    "max_distance",
    "max_distance_per_char",
    "discard_share",
    "discard_per_char",
    "require_trace",
    "min_trace_share",
    "min_words",
)
"""Options by which fewer captions may be kept of the same input."""

MIN_NARRATIVES = 10
"""Narratives of a split below which the share that is joined says nothing."""

MIN_MENTIONS = 20
"""Mentions of a split below which the share with a box says nothing."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a run must keep to be published; the defaults are those of the options.

    Attributes:
      max_bad_share: Rejected lines among those that are not blank.
      max_differing_share: Narratives whose `dataset_id` differs from catalog or options.
      min_joined_share: Narratives whose image is in the annotations of a kind.
      min_boxed_share: Mentions for which there is a box of their class in their image.
      max_shrink_share: Narratives or captions fewer than in the version before.
      guard: Whether the last four hold a run back.
      allow_partial: Whether input may differ from the published counts.
    """

    max_bad_share: float = 0.01
    max_differing_share: float = 0.01
    min_joined_share: float = 0.25
    min_boxed_share: float = 0.05
    max_shrink_share: float = 0.01
    guard: bool = True
    allow_partial: bool = False


def run_checks(
    manifest: BuildManifest, previous: BuildManifest | Baseline | None, limits: Limits
) -> list[CheckRow]:
    """All checks of a run.

    Args:
      manifest: Of the run; its checks are not looked at.
      previous: What it is compared with of the version that was current, None for a first run.
      limits: The limits.
    """
    kinds = covered_kinds(manifest.annotations)
    shares = [
        *_bad_lines(manifest.counts),
        *_differing(manifest.splits),
        *_joined(manifest.splits, kinds),
        *_boxed(manifest.splits, kinds),
        *(_shrunk(manifest, previous) if previous else ()),
    ]
    return [judge_check(share, limits) for share in shares]


def judge_check(share: MeasuredShare, limits: Limits) -> CheckRow:
    """A share with its limit, and whether it keeps it."""
    limit = getattr(limits, share.option)
    bound = Fraction(str(limit)) * share.total  # 0.29 * 100 is less than 29
    if share.option.startswith("min_"):
        passed = share.count >= bound
    else:
        passed = share.count <= bound
    measured = {name: getattr(share, name) for name in MeasuredShare.__struct_fields__}
    return CheckRow(**measured, value=share.count / share.total, limit=limit, passed=passed)


def judge_again(checks: Iterable[CheckRow], limits: Limits) -> list[CheckRow]:
    """The checks of a version that is current, by other limits.

    Whether it may be smaller than the version before was decided when it was published.
    """
    return [
        judge_check(row, limits)
        for row in checks
        if row.kind == SHARE and row.option != "max_shrink_share"
    ]


def covered_kinds(annotations: IndexDescription | None) -> dict[str, tuple[str, ...]]:
    """By dataset, the kinds of annotations that a run has of its images.

    Args:
      annotations: The manifest's description of the index, None where there is none.
    """
    covered: dict[str, list[str]] = {}
    roles = {source.role for source in annotations.sources} if annotations else set()
    found = [covered_rows for role, covered_rows in COVERS.items() if role in roles]
    for whose, table in dict.fromkeys(found):
        for dataset in _JUDGED_DATASETS.get(whose, ()) if table in KINDS else ():
            covered.setdefault(dataset, []).append(table)
    return {dataset: tuple(kinds) for dataset, kinds in covered.items()}


def _share(
    name: str,
    option: str,
    count: int,
    total: int,
    split: SplitRow | BaselineSplit | None = None,
) -> MeasuredShare:
    where = (split.dataset, split.split) if split else (None, None)
    return MeasuredShare(name, *where, count, total, option)


def _bad_lines(counts: NarrativeCounts) -> Iterator[MeasuredShare]:
    if total := counts.lines - counts.blank:
        yield _share("bad_lines", "max_bad_share", counts.bad, total)


def _differing(splits: Sequence[SplitRow]) -> Iterator[MeasuredShare]:
    for split in splits:
        if total := split.narratives:
            count = split.dataset_id_differs
            yield _share("dataset_id_differs", "max_differing_share", count, total, split)


def _joined(
    splits: Sequence[SplitRow], covered: Mapping[str, Sequence[str]]
) -> Iterator[MeasuredShare]:
    for split in splits:
        judged = split.narratives >= MIN_NARRATIVES
        for kind in covered.get(split.dataset or "", ()) if judged else ():
            name, count = f"{kind}_joined", getattr(split, f"with_{kind}")
            yield _share(name, "min_joined_share", count, split.narratives, split)


def _boxed(
    splits: Sequence[SplitRow], covered: Mapping[str, Sequence[str]]
) -> Iterator[MeasuredShare]:
    for split in splits:
        if "boxes" in covered.get(split.dataset or "", ()) and split.mentions >= MIN_MENTIONS:
            yield _share(
                "mentions_with_box", "min_boxed_share", split.with_box, split.mentions, split
            )


def _shrunk(manifest: BuildManifest, previous: BuildManifest | Baseline) -> Iterator[MeasuredShare]:
    """How many fewer there are than before: in all, and of each split that was there."""
    now = {(row.dataset, row.split): row for row in manifest.splits}
    names = ["narratives_fewer"]
    if _same_quality(manifest, previous):
        names.append("captions_fewer")
    pairs: list[tuple] = [(None, _in_all(manifest), _in_all(previous))]
    for row in previous.splits:
        own = now.get((row.dataset, row.split))
        pairs.append((row, _of_split(own), _of_split(row)))
    for split, after, before in pairs:
        for name in names:
            if before[name]:
                fewer = max(0, before[name] - after[name])
                yield _share(name, "max_shrink_share", fewer, before[name], split)


def _in_all(manifest: BuildManifest | Baseline) -> dict[str, int]:
    counts = manifest.counts
    return {
        "narratives_fewer": counts.narratives + counts.discarded_narratives,
        "captions_fewer": counts.narratives - counts.flags.get("no_caption", 0),
    }


def _of_split(row: SplitRow | BaselineSplit | None) -> dict[str, int]:
    return {
        "narratives_fewer": row.narratives + row.discarded if row else 0,
        "captions_fewer": row.captions if row else 0,
    }


def _same_quality(manifest: BuildManifest, previous: BuildManifest | Baseline) -> bool:
    own, other = manifest.configuration, previous.configuration
    return all(own.get(name) == other.get(name) for name in QUALITY_OPTIONS)


def explain_checks(checks: Iterable[CheckRow]) -> str | None:
    """The guard's checks that failed, in one sentence; None where none has.

    What a split's check says already is not said again of all splits together.
    """
    shares = [row for row in checks if row.kind == SHARE]
    failed = [row for row in shares if not row.passed and row.name in _WORDS]
    said = {_measured(row) for row in failed if _is_of_split(row)}
    own = [row for row in failed if _is_of_split(row) or _measured(row) not in said]
    return "; ".join(dict.fromkeys(map(describe_check, own))) or None


def _is_of_split(row: CheckRow) -> bool:
    return row.dataset is not None or row.split is not None


def _measured(row: CheckRow) -> tuple[str, int, int]:
    return row.name, row.count, row.total


_WORDS = {
    "dataset_id_differs": "{count:,} of {total:,} narratives{where} have a dataset_id that differs "
    f"from the dataset or split given by {option('catalog')}, {option('dataset')} or "
    f"{option('split')}",
    **{
        f"{kind}_joined": "{count:,} of {total:,} narratives{where} have their image in "
        f"the {files} ({option(kind)})"
        for kind, files in KINDS.items()
    },
    "mentions_with_box": "{count:,} of {total:,} mentions{where} have a box of their class",
    "narratives_fewer": "the number of narratives{where} fell by {count:,} from the {total:,} of "
    "the version before",
    "captions_fewer": "the number of captions{where} fell by {count:,} from the {total:,} of the "
    "version before",
}
"""The guard's checks, and what a failed one says."""


def describe_check(row: CheckRow) -> str:
    """A check of the guard in words, with its limit by the option's name."""
    named = " ".join(part for part in (row.dataset, row.split) if part)
    where = f" of {named}" if named else ""
    side = "below" if row.option.startswith("min_") else "above"
    said = _WORDS[row.name].format(count=row.count, total=row.total, where=where)
    return f"{said} ({row.value:.2%}, {side} {option(row.option)} {row.limit:g})"
