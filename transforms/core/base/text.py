"""Words of texts: splitting and normalising a whole column of strings at once.

A word is a run of characters between white space; a token of nothing but punctuation and symbols
(Unicode P*, S*) belongs to the word before it, at the start of a text to the word after it. So does
a token of characters that cannot be seen or stand by themselves: formats and controls (Cf, Cc, such
as the zero-width space, joiners and the byte order mark) and combining marks (M*, variation
selectors among them). They separate nothing: only white space does.
For comparison a word is normalised: NFKC, casefold, and all of these stripped at its outside; but
combining marks stay with the letter or digit that they follow, other than variation selectors.
Offsets count characters (code points), as Python strings do.
"""

import dataclasses
import functools
import unicodedata

import numpy as np
import pyarrow as pa

from transforms.core.base.compiled import compiled

SPACE, BARE, WORD_CHARACTER, _KNOWN = np.uint8(1), np.uint8(2), np.uint8(4), np.uint8(128)
"""Bits of a character's kind: white space; no word by itself; `\\w` of a regular expression."""

_SELECTORS = {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x180B, 0x180C, 0x180D, 0x180F}
"""Variation selectors: they choose between pictures of the character before them."""

_kinds = np.zeros(0x110000, np.uint8)  # filled as characters are met; 0: not met yet


@dataclasses.dataclass(frozen=True)
class Words:
    """The words of n texts.

    Attributes:
      offsets: Shape `(n + 1,)`: text i has the words `offsets[i]:offsets[i + 1]`.
      starts: Shape `(n_words,)`: the word's first character within its text.
      ends: Shape `(n_words,)`: one past its last character.
      codes: Code points that the normalised words lie in.
      normal_starts: Shape `(n_words,)`: where a word's normalised form begins in `codes`.
      normal_ends: Shape `(n_words,)`: one past where it ends.
    """

    offsets: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    codes: np.ndarray
    normal_starts: np.ndarray
    normal_ends: np.ndarray

    def regroup(self, offsets: np.ndarray) -> "Words":
        """The same words counted to groups of texts: group g has texts `offsets[g:g + 2]`."""
        return dataclasses.replace(self, offsets=self.offsets[offsets])


def split_words(texts: pa.StringArray) -> Words:
    """Splits and normalises every text.

    >>> words = split_words(pa.array(["A dog's “Ball” , here"]))
    >>> normalised_texts(words).to_pylist()
    ['a', "dog's", 'ball', 'here']
    """
    codes, text_offsets = code_points(texts)
    kinds = character_kinds(codes)
    offsets, starts, ends = _split(kinds, text_offsets)
    absolute = np.repeat(text_offsets[:-1], np.diff(offsets))
    folded, first, end = _normalise(codes, kinds, starts + absolute, ends + absolute)
    return Words(offsets, starts, ends, folded, first, end)


def code_points(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """All characters of a string column.

    Returns:
      Code points, shape `(n_characters,)` uint32, and offsets, shape `(n + 1,)` int64.

    >>> codes, offsets = code_points(pa.array(["é", "ab"]))
    >>> codes.tolist(), offsets.tolist()
    ([233, 97, 98], [0, 1, 3])
    """
    data, offsets = utf8(texts)
    if data.size == 0 or data.max() < 0x80:
        return data.astype(np.uint32), offsets
    return _decode(data, offsets)


@compiled
def _decode(data, offsets):
    """Code points of valid UTF-8; the high bits of a first byte tell how many follow."""
    codes = np.empty(len(data), np.uint32)
    characters_before = np.empty(len(offsets), np.int64)
    n = 0
    for text in range(len(offsets) - 1):
        characters_before[text] = n
        for at in range(offsets[text], offsets[text + 1]):
            byte = data[at]
            if byte < 0x80:
                codes[n] = byte
            elif byte < 0xC0:  # one that follows: six more bits
                n -= 1
                codes[n] = codes[n] << 6 | byte & 0x3F
            elif byte < 0xE0:
                codes[n] = byte & 0x1F
            elif byte < 0xF0:
                codes[n] = byte & 0x0F
            else:
                codes[n] = byte & 0x07
            n += 1
    characters_before[-1] = n
    return codes[:n], characters_before


def utf8(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of a string column, uint8, and its offsets from 0, shape `(n + 1,)` int64."""
    _, offsets_buffer, data = texts.buffers()
    if len(texts) == 0 or offsets_buffer is None:
        return np.empty(0, np.uint8), np.zeros(len(texts) + 1, np.int64)
    offsets = np.frombuffer(offsets_buffer, np.int32)[texts.offset :][: len(texts) + 1]
    offsets = offsets.astype(np.int64)
    size = int(offsets[-1])
    values = np.frombuffer(data, np.uint8, size) if size else np.empty(0, np.uint8)
    return values[offsets[0] :], offsets - offsets[0]


def character_kinds(codes: np.ndarray) -> np.ndarray:
    """Each character's kind: bits `SPACE`, `BARE`, `WORD_CHARACTER`; shape of `codes`, uint8."""
    kinds = _kinds[codes]
    if codes.size and kinds.min() == 0:
        for code in np.unique(codes[kinds == 0]):
            _kinds[code] = _kind(chr(code))
        kinds = _kinds[codes]
    return kinds


def _kind(character: str) -> np.uint8:
    kind = _KNOWN
    if character.isspace():
        kind |= SPACE
    category = unicodedata.category(character)
    if category[0] in "PSM" or category in ("Cf", "Cc"):
        kind |= BARE
    if character.isalnum() or character == "_":
        kind |= WORD_CHARACTER
    return kind


@compiled
def _split(kinds, text_offsets):
    n = len(text_offsets) - 1
    offsets = np.zeros(n + 1, np.int64)
    capacity = len(kinds) // 2 + n + 1  # words are apart by at least one character
    starts = np.empty(capacity, np.int64)
    ends = np.empty(capacity, np.int64)
    words = 0
    for i in range(n):
        origin, stop = text_offsets[i], text_offsets[i + 1]
        at = origin
        pending = -1  # start of bare tokens that wait for the text's first word
        while at < stop:
            if kinds[at] & SPACE:
                at += 1
                continue
            start = at
            is_bare = True
            while at < stop and not kinds[at] & SPACE:
                is_bare &= (kinds[at] & BARE) != 0
                at += 1
            if not is_bare:
                starts[words] = (start if pending < 0 else pending) - origin
                ends[words] = at - origin
                words += 1
                pending = -1
            elif words > offsets[i]:
                ends[words - 1] = at - origin
            elif pending < 0:
                pending = start
        offsets[i + 1] = words
    return offsets, starts[:words].copy(), ends[:words].copy()


def _normalise(
    codes: np.ndarray, kinds: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Normalised forms; words with characters beyond ASCII are done one by one."""
    folded, first, end, foreign = _normalise_ascii(codes, kinds, starts, ends)
    if not len(foreign):
        return folded, first, end
    tail = [folded]
    size = len(folded)
    for word in foreign:
        text = codes[starts[word] : ends[word]].tobytes().decode("utf-32-le")
        form = np.frombuffer(normalise_word(text).encode("utf-32-le"), np.uint32)
        tail.append(form)
        first[word], end[word] = size, size + len(form)
        size += len(form)
    return np.concatenate(tail), first, end


@functools.lru_cache(1 << 16)
def normalise_word(word: str) -> str:
    """NFKC, casefold, and at the outside all stripped that is no word by itself.

    >>> normalise_word("“Ball”,"), normalise_word("ﬁsh")
    ('ball', 'fish')
    """
    folded = unicodedata.normalize("NFKC", word).casefold()
    first, end = 0, len(folded)
    while first < end and _is_outer(folded[first]):
        first += 1
    while end > first and _is_outer(folded[end - 1]):
        end -= 1
    last = end
    while first < last < len(folded) and unicodedata.category(folded[last])[0] == "M":
        last += 1
        end = end if ord(folded[last - 1]) in _SELECTORS else last
    return folded[first:end]


def _is_outer(character: str) -> bool:
    return bool(_kind(character) & (SPACE | BARE))


@compiled
def _normalise_ascii(codes, kinds, starts, ends):
    folded = codes.copy()
    for at in range(len(codes)):
        if 65 <= codes[at] <= 90:
            folded[at] = codes[at] + 32
    first = starts.copy()
    end = ends.copy()
    foreign = []
    for word in range(len(starts)):
        for at in range(starts[word], ends[word]):
            if codes[at] >= 128:
                foreign.append(word)
                break
        while first[word] < end[word] and kinds[first[word]] & (SPACE | BARE):
            first[word] += 1
        while end[word] > first[word] and kinds[end[word] - 1] & (SPACE | BARE):
            end[word] -= 1
    return folded, first, end, np.array(foreign, dtype=np.int64)


def normalised_texts(words: Words) -> pa.StringArray:
    """The normalised words, shape `(n_words,)`."""
    data, offsets = _encode(words.codes, words.normal_starts, words.normal_ends)
    return pa.StringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)
    )


@compiled
def _encode(codes, starts, ends):
    """UTF-8 of the ranges `starts[i]:ends[i]` of code points, concatenated, and their offsets."""
    offsets = np.zeros(len(starts) + 1, np.int64)
    for i in range(len(starts)):
        size = 0
        for at in range(starts[i], ends[i]):
            code = codes[at]
            size += 1 + (code >= 0x80) + (code >= 0x800) + (code >= 0x10000)
        offsets[i + 1] = offsets[i] + size
    data = np.empty(offsets[-1], np.uint8)
    n = 0
    for i in range(len(starts)):
        for at in range(starts[i], ends[i]):
            code = codes[at]
            if code < 0x80:
                data[n] = code
            elif code < 0x800:
                data[n] = 0xC0 | code >> 6
            elif code < 0x10000:
                data[n] = 0xE0 | code >> 12
            else:
                data[n] = 0xF0 | code >> 18
            n += 1
            follow = 0 + (code >= 0x80) + (code >= 0x800) + (code >= 0x10000)
            for k in range(follow):
                data[n] = 0x80 | code >> 6 * (follow - 1 - k) & 0x3F
                n += 1
    return data, offsets


def slice_texts(
    texts: pa.StringArray, rows: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> pa.StringArray:
    """Substrings `texts[rows[i]][starts[i]:ends[i]]`, offsets in characters."""
    data, byte_offsets = utf8(texts)
    if data.size == 0 or data.max() < 0x80:
        first, end = byte_offsets[rows] + starts, byte_offsets[rows] + ends
    else:
        _, text_offsets = code_points(texts)
        positions = np.flatnonzero((data & 0xC0) != 0x80)
        positions = np.append(positions, data.size)  # byte at which each character begins
        first = positions[text_offsets[rows] + starts]
        end = positions[text_offsets[rows] + ends]
    return gather_strings(data, first, end)


def gather_strings(data: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> pa.StringArray:
    """The UTF-8 texts that stand at the ranges `starts[i]:ends[i]` of bytes."""
    values, offsets = gather(data, starts, ends)
    return pa.StringArray.from_buffers(
        len(starts), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(values)
    )


@compiled
def gather(values, starts, ends):
    """Copies the ranges `starts[i]:ends[i]` of `values`, concatenated.

    Returns:
      The copied values and their offsets, shape `(n + 1,)` int64.
    """
    offsets = np.zeros(len(starts) + 1, np.int64)
    for i in range(len(starts)):
        offsets[i + 1] = offsets[i] + max(0, ends[i] - starts[i])
    out = np.empty(offsets[-1], values.dtype)
    for i in range(len(starts)):
        for k in range(offsets[i + 1] - offsets[i]):
            out[offsets[i] + k] = values[starts[i] + k]
    return out, offsets
