"""Splits text into words and normalises them."""

import unicodedata


def is_mark(character):
    """Whether a character is punctuation or a symbol (Unicode P*, S*)."""
    return unicodedata.category(character)[0] in "PS"


def is_no_word(character):
    """Whether a character is no word by itself: a mark, a control or format character, or one that
    combines with the one before."""
    category = unicodedata.category(character)
    return is_mark(character) or category in {"Cc", "Cf"} or category in {"Mn", "Mc", "Me"}


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

    A token of characters that are no words joins the word before it, at the start the word after
    it; text that has nothing else has no words.
    """
    ranges, waiting = [], None
    for start, end in tokens_of(text):
        if not all(is_no_word(character) for character in text[start:end]):
            ranges.append((start if waiting is None else waiting, end))
            waiting = None
        elif ranges:
            ranges[-1] = (ranges[-1][0], end)
        elif waiting is None:
            waiting = start
    return [(text[start:end], start, end) for start, end in ranges]


def normalise(word):
    """NFKC, casefold, then what is no word (and the white space between) stripped at both ends.

    What combines with the last character that stays remains with it, up to the last that is not a
    variation selector.
    """
    folded = unicodedata.normalize("NFKC", word).casefold()
    stay = [k for k, c in enumerate(folded) if not is_no_word(c) and not c.isspace()]
    if not stay:
        return ""
    accents = ""
    for character in folded[stay[-1] + 1 :]:
        if not unicodedata.category(character).startswith("M"):
            break
        accents += character
    while accents and "VARIATION SELECTOR" in unicodedata.name(accents[-1], ""):
        accents = accents[:-1]
    return folded[stay[0] : stay[-1] + 1] + accents


def normalised_words(text):
    return [normalise(word) for word, _, _ in split_words(text)]
