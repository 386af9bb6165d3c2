"""Splits text into words and normalises them."""

import unicodedata


def is_mark(character):
    """Whether a character is punctuation or a symbol (Unicode P*, S*)."""
    return unicodedata.category(character)[0] in "PS"


def tokens_of(text):
    """Half-open ranges of the runs without white space."""
    ranges, start = [], None
    for position, character in enumerate(text + " "):
        if character.isspace():
            if start is not None:
                ranges.append((start, position))
            start = None
        elif start is None:
            start = position
    return ranges


def split_words(text):
    """Words as (text, char_start, char_end).

    A token that is only marks joins the word before it, at the start the word after it; text
    that has nothing else has no words.
    """
    ranges, waiting = [], None
    for start, end in tokens_of(text):
        if not all(is_mark(character) for character in text[start:end]):
            ranges.append((start if waiting is None else waiting, end))
            waiting = None
        elif ranges:
            ranges[-1] = (ranges[-1][0], end)
        elif waiting is None:
            waiting = start
    return [(text[start:end], start, end) for start, end in ranges]


def normalise(word):
    """NFKC, casefold, then marks (and the white space between them) stripped at both ends."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    start, end = 0, len(folded)
    while start < end and (is_mark(folded[start]) or folded[start].isspace()):
        start += 1
    while end > start and (is_mark(folded[end - 1]) or folded[end - 1].isspace()):
        end -= 1
    return folded[start:end]


def normalised_words(text):
    return [normalise(word) for word, _, _ in split_words(text)]
