"""Which narrative of a version the report draws."""

import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.narratives.naming import is_generated

FEWEST_POINTS, MOST_POINTS = 80, 1_500
"""Trace points with which a drawing says something and can still be read."""

MOST_MENTIONS, MOST_BOXES = 8, 12
"""Boxed mentions, and boxes of the image, beyond which a drawing becomes a tangle."""


def choose_example(narratives: pa.Table, mentions: pa.Table) -> tuple[dict | None, list[dict]]:
    """A real narrative, if there is one, with the most boxed mentions and a readable trace.

    A generated one is chosen only where all are. Narratives whose trace is out of bounds, which
    have more boxed mentions or boxes than can be drawn, or whose id occurs twice come last. Ties
    go to those with more mentions, then to the smaller `narrative_id`, then to the earlier row.

    Args:
      narratives: Rows of `schemas.NARRATIVES`.
      mentions: Rows of `schemas.MENTIONS`, of these narratives or more.

    Returns:
      The narrative's row and its mentions' rows; None and no rows where there is no narrative.
    """
    if not narratives.num_rows:
        return None, []
    ids = narratives["narrative_id"].to_pylist()
    boxed, mentioned = _boxed(mentions), dict(_occurrences(mentions["narrative_id"]))
    generated = [is_generated(own) for own in narratives["dataset_id"].to_pylist()]
    lengths = pc.list_value_length(pc.struct_field(narratives["trace"], "t")).to_pylist()
    boxes = pc.list_value_length(narratives["boxes"]).to_pylist()
    once = {own for own, number in _occurrences(narratives["narrative_id"]) if number == 1}

    def rank(row: int) -> tuple:
        found = boxed.get(ids[row], 0)
        fits = (
            FEWEST_POINTS <= (lengths[row] or 0) <= MOST_POINTS
            and found <= MOST_MENTIONS
            and (boxes[row] or 0) <= MOST_BOXES
        )
        named = mentioned.get(ids[row], 0)
        return generated[row], ids[row] not in once, not fits, -found, -named, ids[row] or "", row

    best = min(range(len(ids)), key=rank)
    own = mentions.filter(pc.equal(mentions["narrative_id"], ids[best]))
    return narratives.slice(best, 1).to_pylist()[0], own.to_pylist()


def _boxed(mentions: pa.Table) -> dict[str, int]:
    with_box = mentions.filter(pc.is_valid(mentions["box_index"]))
    return dict(_occurrences(with_box["narrative_id"]))


def _occurrences(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    return [(entry["values"], entry["counts"]) for entry in pc.value_counts(column).to_pylist()]
