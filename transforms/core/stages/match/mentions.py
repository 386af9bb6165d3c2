r"""Class mentions: names of classes in captions, found in a whole chunk at once.

A mention is an exact, case-insensitive match of a class name between `\w` boundaries; a run of
white space equals one space; scanning left to right the longest match wins and matches do not
overlap. A parenthesised qualifier, "Bat (Animal)", is not part of the spoken name.
"""

import dataclasses
import functools
import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from transforms.core.base.compiled import compiled
from transforms.core.base.text import SPACE, WORD_CHARACTER, character_kinds, code_points
from transforms.core.stages.match.plurals import plural_forms

_QUALIFIER = re.compile(r"\([^()]*\)")


def spoken_name(name: str) -> str:
    """The name as it is spoken: without qualifier, single spaces."""
    return " ".join(_QUALIFIER.sub(" ", name).split())


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Class names compiled to a trie over characters.

    Attributes:
      class_ids: The classes, in the order of the class file.
      names: Their names as published.
      children: Shape `(n_nodes, n_symbols)` int32: the node that a symbol leads to, -1 for none.
      accepts: Shape `(n_nodes,)` int32: the class whose name ends here, -1 for none.
      symbols: Shape `(n_code_points,)`, uint8, or uint16 where names have over 254 different
        characters (Chinese ones): the symbol of each code point, 0 for none; symbol 1 is a run of
        white space.
    """

    class_ids: tuple[str, ...]
    names: tuple[str, ...]
    children: np.ndarray
    accepts: np.ndarray
    symbols: np.ndarray


def compile_vocabulary(
    class_ids: Sequence[str], names: Sequence[str], plurals: bool = False
) -> Vocabulary:
    """Compiles class names; where two classes share a spoken name, the first one has it."""
    spoken: dict[str, int] = {}
    for index, name in enumerate(names):
        spoken.setdefault(fold(spoken_name(name)), index)
    if plurals:
        for name, index in list(spoken.items()):
            for form in plural_forms(name):
                spoken.setdefault(form, index)
    spoken = {name: index for name, index in spoken.items() if re.search(r"\w", name)}
    symbols = _symbols("".join(spoken))
    children, accepts = _build_trie(spoken, symbols)
    return Vocabulary(tuple(class_ids), tuple(names), children, accepts, symbols)


def fold(text: str) -> str:
    """Case-folded, character by character, so that offsets stay: `ß` is not `ss`."""
    return "".join(map(_fold_character, text))


def _fold_character(character: str) -> str:
    forms = (character.casefold(), character.lower(), character)
    return next(form for form in forms if len(form) == 1)


def _symbols(characters: str) -> np.ndarray:
    alphabet = {c: i for i, c in enumerate(sorted(set(characters) - {" "}), start=2)}
    symbols = np.zeros(0x110000, np.min_scalar_type(len(alphabet) + 1))
    for character, symbol in alphabet.items():
        symbols[ord(character)] = symbol
    symbols = symbols[_folded_codes()]
    symbols[ord(" ")] = 1
    return symbols


@functools.cache
def _folded_codes() -> np.ndarray:
    """What each code point folds to, shape `(0x110000,)`; beyond 0x20000 nothing has case."""
    codes = np.arange(0x110000, dtype=np.uint32)
    characters = list(map(chr, range(0x20000)))
    folded = "\0".join(characters[1:]).casefold().split("\0")  # all of them in one call
    for character, form in zip(characters[1:], folded, strict=True):
        if form != character:
            codes[ord(character)] = ord(_fold_character(character))
    return codes


def _build_trie(spoken: Mapping[str, int], symbols: np.ndarray) -> tuple[np.ndarray, ...]:
    nodes: list[dict[int, int]] = [{}]
    accepts = [-1]
    for name, index in spoken.items():
        node = 0
        for symbol in symbols[[ord(character) for character in name]].tolist():
            if symbol not in nodes[node]:
                nodes[node][symbol] = len(nodes)
                nodes.append({})
                accepts.append(-1)
            node = nodes[node][symbol]
        accepts[node] = index
    children = np.full((len(nodes), int(symbols.max()) + 1), -1, np.int32)
    for node, following in enumerate(nodes):
        children[node, list(following)] = list(following.values())
    return children, np.array(accepts, np.int32)


@dataclasses.dataclass(frozen=True)
class Matches:
    """Matches in n captions, in the order of the captions.

    Attributes:
      rows: Shape `(n_mentions,)`: the caption.
      classes: Shape `(n_mentions,)`: index into the vocabulary's classes.
      starts: Shape `(n_mentions,)`: first character.
      ends: Shape `(n_mentions,)`: one past the last character.
    """

    rows: np.ndarray
    classes: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def match_classes(captions: pa.StringArray, vocabulary: Vocabulary) -> Matches:
    """Finds every class mention of the captions."""
    codes, offsets = code_points(captions)
    kinds = character_kinds(codes)
    symbols = vocabulary.symbols[codes]
    symbols[(kinds & SPACE) != 0] = 1
    return Matches(*_match(symbols, kinds, offsets, vocabulary.children, vocabulary.accepts))


@compiled
def _match(symbols, kinds, offsets, children, accepts):
    found = np.empty((len(symbols) // 2 + len(offsets), 4), np.int64)
    matches = 0
    for row in range(len(offsets) - 1):
        origin, stop = offsets[row], offsets[row + 1]
        at = origin
        while at < stop:
            index, end = -1, at
            if symbols[at] > 1 and not (at > origin and kinds[at - 1] & WORD_CHARACTER):
                index, end = _longest_match(symbols, kinds, at, stop, children, accepts)
            if index < 0:
                at += 1
                continue
            found[matches] = (row, index, at - origin, end - origin)
            matches += 1
            at = end
    found = found[:matches]
    return found[:, 0].copy(), found[:, 1].copy(), found[:, 2].copy(), found[:, 3].copy()


@compiled
def _longest_match(symbols, kinds, at, stop, children, accepts):
    """The class of the longest name that begins here and ends at a boundary, and its end."""
    index, end = -1, at
    node = 0
    while at < stop:
        symbol = symbols[at]
        node = children[node, symbol] if symbol > 0 else -1
        if node < 0:
            break
        at += 1
        if symbol == 1:
            while at < stop and symbols[at] == 1:
                at += 1
        if accepts[node] >= 0 and not (at < stop and kinds[at] & WORD_CHARACTER):
            index, end = accepts[node], at
    return index, end
