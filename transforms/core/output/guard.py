"""The guard: shares of a run that tell wrong input from right, each with its limit.

A run with a share beyond its limit is held back: its version is complete, but not current, until
someone has looked at it. Shares are judged split by split, so that a small split that went wrong
does not vanish among large ones.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

KINDS = {"images": "image lists", "labels": "label files", "boxes": "box files"}
"""Annotations whose images are compared with those of the input, and what they are called."""

_JUDGED_DATASETS = {"open_images": ("open_images", "generated"), "coco": ("coco",)}
"""By whose annotations they are: the datasets whose images they are about."""

_FED_BY = {
    "images": ("open_images", "images"),
    "labels": ("open_images", "labels"),
    "boxes": ("open_images", "boxes"),
    "coco_instances": ("coco", "boxes"),
}
"""By role of an index's source: whose annotations they are, and of which kind."""

_QUALITY_OPTIONS = (
    "max_distance",
    "max_distance_per_char",
    "discard_share",
    "discard_per_char",
    "require_trace",
    "min_trace_share",
    "min_words",
    "transcripts",
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


def run_checks(manifest: Mapping, previous: Mapping | None, limits: Limits) -> list[dict]:
    """All checks of a run's manifest.

    Args:
      manifest: With `splits` (`version.describe_splits`), `counts`, `annotations` and
        `configuration`.
      previous: The manifest of the version that was current, None for a first run.
      limits: The limits.

    Returns:
      A row a check: `name`, `dataset` and `split` (None: all together), `count` of `total`,
      `value` (their share), `option`, `limit`, `passed`.
    """
    rows = [
        *_bad_lines(manifest["counts"]),
        *_differing(manifest["splits"]),
        *_joined(manifest["splits"], covered_kinds(manifest["annotations"])),
        *_boxed(manifest["splits"], covered_kinds(manifest["annotations"])),
        *(_shrunk(manifest, previous) if previous else ()),
    ]
    return [judge_check(row, limits) for row in rows]


def judge_check(row: Mapping, limits: Limits) -> dict:
    """A check with its limit, and whether it keeps it."""
    limit = getattr(limits, row["option"])
    count, total = row["count"], row["total"]
    bound = Fraction(str(limit)) * total  # 0.29 * 100 is less than 29
    if row["option"].startswith("min_"):
        passed = count >= bound
    else:
        passed = count <= bound
    return {**row, "value": count / total, "limit": limit, "passed": passed}


def judge_again(checks: Iterable[Mapping], limits: Limits) -> list[dict]:
    """The checks of a version that is current, by other limits.

    Whether it may be smaller than the version before was decided when it was published.
    """
    return [judge_check(row, limits) for row in checks if row["option"] != "max_shrink_share"]


def covered_kinds(annotations: Mapping | None) -> dict[str, tuple[str, ...]]:
    """By dataset, the kinds of annotations that a run has of its images.

    Args:
      annotations: The manifest's description of the index, None where there is none.
    """
    covered: dict[str, list[str]] = {}
    roles = {source["role"] for source in (annotations or {}).get("sources", ())}
    for role, (whose, kind) in _FED_BY.items():
        for dataset in _JUDGED_DATASETS[whose] if role in roles else ():
            covered.setdefault(dataset, []).append(kind)
    return {dataset: tuple(kinds) for dataset, kinds in covered.items()}


def _row(name: str, option: str, count: int, total: int, split: Mapping | None = None) -> dict:
    where = {"dataset": split and split["dataset"], "split": split and split["split"]}
    return {"name": name, **where, "count": count, "total": total, "option": option}


def _bad_lines(counts: Mapping) -> Iterator[dict]:
    if total := counts["lines"] - counts["blank"]:
        yield _row("bad_lines", "max_bad_share", sum(counts["rejected"].values()), total)


def _differing(splits: Sequence[Mapping]) -> Iterator[dict]:
    for split in splits:
        if total := split["narratives"]:
            count = split["dataset_id_differs"]
            yield _row("dataset_id_differs", "max_differing_share", count, total, split)


def _joined(splits: Sequence[Mapping], covered: Mapping) -> Iterator[dict]:
    for split in splits:
        judged = split["narratives"] >= MIN_NARRATIVES
        for kind in covered.get(split["dataset"], ()) if judged else ():
            name, count = f"{kind}_joined", split[f"with_{kind}"]
            yield _row(name, "min_joined_share", count, split["narratives"], split)


def _boxed(splits: Sequence[Mapping], covered: Mapping) -> Iterator[dict]:
    for split in splits:
        if "boxes" in covered.get(split["dataset"], ()) and split["mentions"] >= MIN_MENTIONS:
            yield _row(
                "mentions_with_box", "min_boxed_share", split["with_box"], split["mentions"], split
            )


def is_comparable(manifest: Mapping) -> bool:
    """Whether a manifest, perhaps of other code or corrupt, has what a later one is compared to."""
    try:
        splits = manifest.get("splits", ())
        keys = {(row["dataset"], row["split"]) for row in splits}
        rows = [_in_all(manifest), *map(_of_split, splits)]
        manifest.get("configuration", {}).keys()
    except (AttributeError, KeyError, TypeError):
        return False
    whole = all(isinstance(number, int) for row in rows for number in row.values())
    return whole and len(keys) == len(splits)


def _shrunk(manifest: Mapping, previous: Mapping) -> Iterator[dict]:
    """How many fewer there are than before: in all, and of each split that was there."""
    now = {(row["dataset"], row["split"]): row for row in manifest["splits"]}
    names = ["narratives_fewer"]
    if _same_quality(manifest, previous):
        names.append("captions_fewer")
    pairs = [(None, _in_all(manifest), _in_all(previous))]
    for row in previous.get("splits", ()):
        own = now.get((row["dataset"], row["split"]))
        pairs.append((row, _of_split(own), _of_split(row)))
    for split, after, before in pairs:
        for name in names:
            if before[name]:
                fewer = max(0, before[name] - after[name])
                yield _row(name, "max_shrink_share", fewer, before[name], split)


def _in_all(manifest: Mapping) -> dict[str, int]:
    counts = manifest["counts"]
    kept = counts["narratives"]
    return {
        "narratives_fewer": kept + counts["discarded_narratives"],
        "captions_fewer": kept - counts["flags"].get("no_caption", 0),
    }


def _of_split(row: Mapping | None) -> dict[str, int]:
    return {
        "narratives_fewer": row["narratives"] + row["discarded"] if row else 0,
        "captions_fewer": row["captions"] if row else 0,
    }


def _same_quality(manifest: Mapping, previous: Mapping) -> bool:
    own, other = manifest["configuration"], previous.get("configuration", {})
    return all(own.get(name) == other.get(name) for name in _QUALITY_OPTIONS)


def explain_checks(checks: Iterable[Mapping]) -> str | None:
    """The guard's checks that failed, in one sentence; None where none has.

    What a split's check says already is not said again of all splits together.
    """
    failed = [row for row in checks if not row["passed"] and row["name"] in _WORDS]
    told = {_measured(row) for row in failed if _is_of_split(row)}
    own = [row for row in failed if _is_of_split(row) or _measured(row) not in told]
    return "; ".join(dict.fromkeys(map(describe_check, own))) or None


def _is_of_split(row: Mapping) -> bool:
    return row["dataset"] is not None or row["split"] is not None


def _measured(row: Mapping) -> tuple[str, int, int]:
    return row["name"], row["count"], row["total"]


_WORDS = {
    "dataset_id_differs": "{count:,} of {total:,} narratives{where} have a dataset_id that differs "
    "from the dataset or split given by --catalog, --dataset or --split",
    **{
        f"{kind}_joined": "{count:,} of {total:,} narratives{where} have their image in "
        f"the {files} (--{kind})"
        for kind, files in KINDS.items()
    },
    "mentions_with_box": "{count:,} of {total:,} mentions{where} have a box of their class",
    "narratives_fewer": "the number of narratives{where} fell by {count:,} from the {total:,} of "
    "the version before",
    "captions_fewer": "the number of captions{where} fell by {count:,} from the {total:,} of the "
    "version before",
}
"""The guard's checks, and what a failed one says."""


def describe_check(row: Mapping) -> str:
    """A check of the guard in words, with its limit by the option's name."""
    named = " ".join(part for part in (row["dataset"], row["split"]) if part)
    where = f" of {named}" if named else ""
    option = "--" + row["option"].replace("_", "-")
    side = "below" if row["option"].startswith("min_") else "above"
    said = _WORDS[row["name"]].format(count=row["count"], total=row["total"], where=where)
    return f"{said} ({row['value']:.2%}, {side} {option} {row['limit']:g})"
