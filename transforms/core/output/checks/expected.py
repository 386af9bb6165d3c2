"""What was published of the input's splits against what a run has read of them."""

import dataclasses
from collections.abc import Iterable, Sequence

from transforms.core.base.errors import option, shown
from transforms.core.model.narratives.manifest import ExpectedRow, NarrativeShardRow


@dataclasses.dataclass(frozen=True)
class Expected:
    """The files of one split that a run reads, and what a catalog says of them.

    Attributes:
      group: The split's name in the catalog.
      kind: `narratives` or `captions`: what the files hold.
      dataset: For example `open_images`.
      split: `train`, `validation` or `test`.
      narratives: Published in all files of the split together.
      shards: Names of the files that the run reads.
      absent: Names of the files that belong to the split too and were not given.
      limited: Whether a limit keeps some of the files' lines from being read.
    """

    group: str
    kind: str
    dataset: str
    split: str
    narratives: int
    shards: tuple[str, ...]
    absent: tuple[str, ...] = ()
    limited: bool = False


def compare(expected: Iterable[Expected], shards: Sequence[NarrativeShardRow]) -> list[ExpectedRow]:
    """Published counts beside what was read.

    Args:
      expected: The catalogued splits of a run.
      shards: Rows of `version.reconcile`.

    Returns:
      A row a split: `read` are its narratives, kept, discarded or left out by a sample, which
      were read too; a line that was rejected is `missing`. Where more were read than were
      published, `surplus` says how many.
    """
    by_name = {row.shard: row for row in shards}
    return [_compare(group, [by_name[name] for name in group.shards]) for group in expected]


def _compare(group: Expected, rows: Sequence[NarrativeShardRow]) -> ExpectedRow:
    left_out = sum(row.left_out for row in rows)
    read = sum(row.narratives + row.discarded for row in rows) + left_out
    return ExpectedRow(
        group=group.group,
        kind=group.kind,
        dataset=group.dataset,
        split=group.split,
        shards=list(group.shards),
        absent=list(group.absent),
        expected=group.narratives,
        read=read,
        rejected=sum(row.rejected for row in rows),
        missing=max(0, group.narratives - read),
        surplus=max(0, read - group.narratives),
        left_out=left_out,
        limited=group.limited,
    )


def is_met(row: ExpectedRow) -> bool:
    """Whether a row of `compare` says that exactly what was published was read."""
    return not (row.missing or row.surplus)


def is_explained(row: ExpectedRow) -> bool:
    """Whether that is so, or a limit says why fewer were read."""
    return is_met(row) or (row.limited and not row.surplus)


def describe(row: ExpectedRow) -> str:
    """A row of `compare` in words: `expected 8,573, read 22, missing 8,551`."""
    text = f"expected {row.expected:,}, read {row.read:,}"
    if row.missing:
        text += f", missing {row.missing:,}"
    if row.surplus:
        text += f", {row.surplus:,} too many"
    if rejected := row.rejected:
        text += f" ({rejected:,} {'line was' if rejected == 1 else 'lines were'} rejected)"
    if row.left_out:
        text += f"; a sample: {row.left_out:,} of those read are left out"
    if row.limited:
        text += "; a limit: no more lines were to be read"
    return text


def explain_difference(rows: Sequence[ExpectedRow]) -> str | None:
    """What differs from the published counts, in one sentence; None where nothing does."""
    wrong = [row for row in rows if not is_explained(row)]
    if not wrong:
        return None
    listed = "; ".join(f"{row.group} ({_files(row.shards)}): {describe(row)}" for row in wrong)
    return (
        f"the input is not what was published: {listed}; download the files again, rename a file "
        f"that is another one, or accept this with {option('allow_partial')}"
    )


def explain_absence(expected: Iterable[Expected]) -> str | None:
    """Which files of catalogued splits were not given, in one sentence; None where all were."""
    partial = [group for group in expected if group.absent]
    if not partial:
        return None
    listed = "; ".join(
        f"{group.group} ({group.narratives:,} narratives) lacks {_files(group.absent)}"
        for group in partial
    )
    return (
        f"the input holds a part of a published split: {listed}; add the files to "
        f"{option('input')}, or accept this with {option('allow_partial')}"
    )


_SHOWN_FILES = 10


def _files(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_FILES} more" if len(names) > _SHOWN_FILES else ""
    return ", ".join(map(shown, names[:_SHOWN_FILES])) + more
