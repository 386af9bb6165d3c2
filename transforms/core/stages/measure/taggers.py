"""Taggers: words and universal part-of-speech tags of captions (Tables 2 and 3, Fig. 5)."""

import functools
import importlib.util
import pathlib
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from transforms.core.base.errors import UsageError, option
from transforms.core.base.versions import folder_version
from transforms.core.model.narratives import schemas

if TYPE_CHECKING:
    import spacy

DEFAULT_TAGGER = "en_ud_pos"
NO_TAGGER = "none"
_SHIPPED = pathlib.Path(__file__).parents[2] / "data" / DEFAULT_TAGGER
BATCH_SIZE = 64

MOST_CHARACTERS = 100_000
"""Characters of a caption beyond which it is not tagged.

spaCy refuses texts ten times as long, and its memory grows with the text. Published captions have
some hundreds.
"""

_COUNTED_AT_ONCE = 1024

_BATCHED_CHARACTERS = 5_000
"""Characters of a caption up to which it is tagged together with others."""

Tagger = Callable[[pa.StringArray], pa.StructArray]
"""From n captions to n rows of `schemas.RICHNESS_OF_CAPTION`."""


def create_tagger(name: str) -> Tagger:
    """The tagger of that name: one of `TAGGERS`, or an installed spaCy pipeline."""
    if name in TAGGERS:
        return TAGGERS[name]()
    return functools.partial(count_tags, load_pipeline(name))


def load_pipeline(name: str) -> "spacy.Language":
    """Loads a spaCy pipeline whose matrices are multiplied by numpy.

    Half of tagging is matrix products, and numpy's take half as long as spaCy's own (BLIS).

    Raises:
      UsageError: spaCy does not find it.
    """
    import spacy
    from thinc.api import NumpyOps, get_current_ops, set_current_ops

    class MatmulOps(NumpyOps):
        def gemm(  # as thinc calls it
            self,
            x: np.ndarray,
            y: np.ndarray,
            out: np.ndarray | None = None,
            trans1: bool = False,
            trans2: bool = False,
        ) -> np.ndarray:
            return np.matmul(x.T if trans1 else x, y.T if trans2 else y, out=out)

    check_tagger(name)
    usual = get_current_ops()
    set_current_ops(MatmulOps() if type(usual) is NumpyOps else usual)
    try:
        return spacy.load(pipeline_path(name))
    finally:
        set_current_ops(usual)


def pipeline_path(name: str) -> pathlib.Path | str:
    """What spaCy loads a tagger of that name from."""
    return _SHIPPED if name == DEFAULT_TAGGER else name


def check_tagger(name: str) -> None:
    """Looks for a tagger without loading it.

    Raises:
      UsageError: There is none of that name.
    """
    if name in TAGGERS or (pathlib.Path(name) / "config.cfg").is_file():
        return
    if not name.isidentifier() or importlib.util.find_spec(name) is None:
        raise UsageError(
            f"there is no spaCy pipeline {name!r}: install it, or set "
            f"{option('tagger')} to {DEFAULT_TAGGER} or {NO_TAGGER}"
        )


def tagger_version(name: str) -> str | None:
    """Hash of the files of a tagger that does not come with this code, None for the others.

    A pipeline can change under its name; results of the former one are not used again then.
    """
    if name in TAGGERS:
        return None
    spec = None if pathlib.Path(name).is_dir() else importlib.util.find_spec(name)
    origin = spec and spec.origin
    return folder_version(pathlib.Path(origin).parent if origin else pathlib.Path(name))


def too_long(captions: pa.StringArray) -> np.ndarray:
    """Whether a caption has more than `MOST_CHARACTERS`, shape `(n,)` bool."""
    return _lengths(captions) > MOST_CHARACTERS


def _lengths(captions: pa.StringArray) -> np.ndarray:
    import pyarrow.compute as pc

    return pc.utf8_length(captions).to_numpy(zero_copy_only=False)


def count_tags(nlp: "spacy.Language", captions: pa.StringArray) -> pa.StructArray:
    """Words (tokens neither punctuation nor space) of each caption, and their tags.

    Nor are tokens words that have nothing else to be seen (`is_bare`).
    Tags of other tokens do not count: a tagger without a tag for space calls a double space a noun.
    Rows of captions that are too long are null.
    """
    from threadpoolctl import threadpool_limits

    lengths, texts = _lengths(captions), captions.to_pylist()
    counts = np.zeros((len(captions), 1 + len(schemas.TAG_COLUMNS)), np.int32)
    alone = lengths > _BATCHED_CHARACTERS
    with threadpool_limits(1, user_api="blas"):  # the other processors are other workers'
        for chosen, batch_size in ((~alone, BATCH_SIZE), (alone & ~too_long(captions), 1)):
            _count_rows(nlp, texts, np.flatnonzero(chosen), batch_size, counts)
    missing = pa.array(too_long(captions))
    return pa.StructArray.from_arrays(
        [pa.array(np.ascontiguousarray(column)) for column in counts.T],
        fields=list(schemas.RICHNESS_OF_CAPTION),
        mask=missing,
    )


def _count_rows(
    nlp: "spacy.Language", texts: list[str], rows: np.ndarray, batch_size: int, counts: np.ndarray
) -> None:
    """Tags these rows' captions and enters their counts, shape `(n, 1 + tags)`."""
    from spacy.attrs import IS_PUNCT, IS_SPACE, POS
    from spacy.symbols import IDS

    tags = np.array([IDS[tag] for tag in schemas.TAG_COLUMNS.values()], np.uint64)
    docs = nlp.pipe((texts[row] for row in rows), batch_size=batch_size)
    found = []  # of some captions; their documents are let go at once
    for number, (row, doc) in enumerate(zip(rows.tolist(), docs, strict=True), 1):
        tokens = doc.to_array([POS, IS_PUNCT, IS_SPACE])
        if _may_hold_bare_tokens(texts[row]):
            tokens[:, 1] |= np.array([is_bare(token.text) for token in doc], np.uint64)
        found.append(tokens)
        if len(found) == _COUNTED_AT_ONCE or number == len(rows):
            counts[rows[number - len(found) : number]] = _count_tokens(found, tags)
            found = []


def _count_tokens(found: Sequence[np.ndarray], tags: np.ndarray) -> np.ndarray:
    """Words and each of the tags in each caption, shape `(n, 1 + tags)`.

    Args:
      found: Of each caption, shape `(tokens, 3)`: tag, and whether a token is punctuation or space.
      tags: Those that are counted.
    """
    tokens = np.concatenate(found)
    rows = np.repeat(np.arange(len(found)), [len(part) for part in found])
    is_word = (tokens[:, 1] == 0) & (tokens[:, 2] == 0)
    rows, words = rows[is_word], tokens[is_word, 0]
    chosen = [rows, *(rows[words == tag] for tag in tags)]
    return np.stack([np.bincount(part, minlength=len(found)) for part in chosen], axis=1)


def _may_hold_bare_tokens(text: str) -> bool:
    """Whether there is a character that only `is_bare` knows for no word; fast for ASCII."""
    if text.isascii() and text.isprintable():
        return False
    return any(_is_unseen(character) for character in set(text))


def is_bare(token: str) -> bool:
    """Whether a token has only punctuation, space and characters that are none by themselves.

    Those are formats, controls and combining marks, as in `transforms.core.base.text`; spaCy knows
    them for neither punctuation nor space.

    >>> is_bare("\u200b"), is_bare("-\ufe0f"), is_bare("\u0301cat"), is_bare("\u2764\ufe0f")
    (True, True, False, False)
    """
    return all(
        _is_unseen(character) or character.isspace() or unicodedata.category(character)[0] == "P"
        for character in token
    )


def _is_unseen(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Cf", "Cc") or category[0] == "M"


def _count_nothing(captions: pa.StringArray) -> pa.StructArray:
    return pa.nulls(len(captions), schemas.RICHNESS_OF_CAPTION)


def _no_tagger() -> Tagger:
    return _count_nothing


def _shipped_tagger() -> Tagger:
    return functools.partial(count_tags, load_pipeline(DEFAULT_TAGGER))


TAGGERS: dict[str, Callable[[], Tagger]] = {
    NO_TAGGER: _no_tagger,
    DEFAULT_TAGGER: _shipped_tagger,
}
"""Taggers that come with this code, by name."""
