"""What the report and the printed summary show of captions, worked out once from the tables."""

from collections import Counter
from typing import NamedTuple

import pyarrow as pa

from transforms.core.report import paper
from transforms.core.report.page import rows
from transforms.core.report.page.formats import collection_name
from transforms.core.sources.captions.schemas import ComparedNarratives

PARTS = {"captions": "captions written", **rows.LINE_PARTS}
"""What the records read are made of, by their names in the manifest."""

NARRATIVES = "localized_narratives"


class Compared(NamedTuple):
    """A figure beside the paper's.

    Attributes:
      own: Ours, None where it is not known.
      paper: The paper's, None where it has none.
    """

    own: float | None
    paper: float | None

    @property
    def difference(self) -> float | None:
        """Ours less the paper's.

        >>> Compared(11.0, 10.5).difference
        0.5
        """
        return None if self.own is None or self.paper is None else self.own - self.paper


class CollectionRow(NamedTuple):
    """All captions of a collection, beside the paper's rows of it.

    Attributes:
      name: As it is called.
      source: What they are where that must be told, else empty.
      captions: How many.
      images: Of how many images, added up over splits.
      words: Words a caption (Table 2).
      means: By column of Table 3.
      nouns: Captions by number of nouns.
      per_image: Captions an image.
      in_table_3: Whether the paper's Table 3 has a row of it.
    """

    name: str
    source: str
    captions: Compared
    images: Compared
    words: Compared
    means: dict[str, Compared]
    nouns: Counter
    per_image: float | None
    in_table_3: bool


def collections(
    richness: pa.Table, noun_counts: pa.Table, narratives: ComparedNarratives | None = None
) -> list[CollectionRow]:
    """A row a collection, and one of the narratives of another version, if there are such.

    Args:
      richness: The table of that name.
      noun_counts: The table of that name.
      narratives: Narratives beside which captions are shown.
    """
    found: dict[str, Counter] = {}
    for row in richness.to_pylist():
        own = found.setdefault(row["collection"], Counter())
        own.update({name: row[name] for name in ("captions", "images")})
        own.update({name: row[f"{name}_sum"] or 0 for name in paper.MEAN_COLUMNS})
    nouns: dict[str, Counter] = {name: Counter() for name in found}
    for row in noun_counts.to_pylist():
        nouns[row["collection"]][row["nouns"]] += row["captions"]
    made = [_row(name, "", sums, nouns[name]) for name, sums in found.items()]
    return made + ([_row_of_narratives(narratives)] if narratives else [])


def _row_of_narratives(compared: ComparedNarratives) -> CollectionRow:
    sums = Counter(compared.sums)
    sums.update({"captions": compared.captions, "images": compared.images})
    nouns = Counter({row.nouns: row.captions for row in compared.nouns})
    return _row(NARRATIVES, f"version {compared.version}", sums, nouns)


def _row(collection: str, source: str, sums: Counter, nouns: Counter) -> CollectionRow:
    tagged = nouns.total()
    means = {name: sums[name] / tagged if tagged else None for name in paper.MEAN_COLUMNS}
    scale = paper.COLLECTIONS.get(paper.TABLE_2.get(collection, ""))
    theirs = paper.TABLE_3.get(collection)
    return CollectionRow(
        name=collection_name(collection),
        source=source,
        captions=Compared(sums["captions"], scale.captions if scale else None),
        images=Compared(sums["images"], scale.images if scale else None),
        words=Compared(means["words"], scale.words if scale else None),
        means={
            name: Compared(mean, theirs.means[name] if theirs else None)
            for name, mean in means.items()
        },
        nouns=nouns,
        per_image=sums["captions"] / sums["images"] if sums["images"] else None,
        in_table_3=theirs is not None,
    )
