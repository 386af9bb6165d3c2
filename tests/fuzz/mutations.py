"""Mutations of narrative lines, by a seeded generator: the same seed gives the same lines."""

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence

Mutation = Callable[[random.Random, bytes], bytes]

NUMBERS = (
    b"1e14 -1e14 1e200 -1e200 1e17 -0 -0.0 1e-320 1e999 1e-999 NaN Infinity -Infinity 01 .5 1. "
    b"1000 -1000.0 1000.0001 1000000 1000000.0001 0.1234567890123456789 123456789012345 "
    b"1234567890123456 9223372036854775807 9223372036854775808 0.30000000000000004 true null"
).split() + [b"9" * 400, b"9" * 5000, b"0." + b"3" * 400]

TEXTS = [
    text.encode()
    for text in (
        r"\u0000 \u200b \u200d \ufe0f \u0301 \ud83d \ude00 \ud83d\ude00 \q \u12 \n \" \\ "
        "\u200b \ufe0f \u0301e \u00ad \u202e \U0001f600 \u0130 \ufb03 \u2028"
    ).split(" ")
] + [b"\xff", b"\xed\xa0\x80", b"\x00", b"\x1f", b"\t", b"\r", b" "]

_NUMBER = re.compile(rb"(?<=: )-?[0-9][0-9.]*")
_STRING = re.compile(rb'(?<=": ")[^"]*')
_MEMBER = re.compile(rb'"[a-z_]+": (?:"[^"]*"|[-0-9.]+)')
_KEY = re.compile(rb'"(dataset_id|image_id|annotator_id|caption|timed_caption|traces|x|t)"')


def _place(generator: random.Random, pattern: re.Pattern, line: bytes) -> tuple[int, int]:
    """Some match of a pattern, an empty one at the end where there is none."""
    start = generator.randrange(len(line) + 1)
    found = pattern.search(line, start) or pattern.search(line)
    return found.span() if found else (len(line), len(line))


def flip_bytes(generator: random.Random, line: bytes) -> bytes:
    """Some bytes are others."""
    changed = bytearray(line)
    for _ in range(generator.randint(1, 4)):
        changed[generator.randrange(len(changed))] = generator.choice(
            b'{}[],:"\\ \t\r0-.eu\x00\x1f\x80\xc3\xed\xff'
        )
    return bytes(changed)


def cut(generator: random.Random, line: bytes) -> bytes:
    """The line ends early."""
    return line[: generator.randrange(len(line))]


def drop_some(generator: random.Random, line: bytes) -> bytes:
    """Some bytes in the middle are missing."""
    at = generator.randrange(len(line))
    return line[:at] + line[at + generator.randint(1, 30) :]


def replace_number(generator: random.Random, line: bytes) -> bytes:
    """A number is an extreme one."""
    for _ in range(generator.randint(1, 3)):
        start, end = _place(generator, _NUMBER, line)
        line = line[:start] + generator.choice(NUMBERS) + line[end:]
    return line


def insert_text(generator: random.Random, line: bytes) -> bytes:
    """A string has an odd character, or is nothing but that."""
    start, end = _place(generator, _STRING, line)
    at = generator.randint(start, end)
    text = generator.choice(TEXTS) * generator.choice([1, 1, 2, 50])
    return line[:start] + text + line[end:] if generator.random() < 0.3 else (
        line[:at] + text + line[at:]
    )  # fmt: skip


def long_text(generator: random.Random, line: bytes) -> bytes:
    """A string is long."""
    start, end = _place(generator, _STRING, line)
    word = generator.choice([b"a", b"dog ", b"\xc3\xa9", b". ", rb"\u00e9", b"person, "])
    return line[:start] + word * generator.choice([60, 300, 3_000]) + line[end:]


def repeat_member(generator: random.Random, line: bytes) -> bytes:
    """A key stands twice in an object."""
    start, end = _place(generator, _MEMBER, line)
    return line[:end] + b", " + line[start:end] + line[end:]


def remove_member(generator: random.Random, line: bytes) -> bytes:
    """A key is missing."""
    start, end = _place(generator, _MEMBER, line)
    return line[:start] + line[end:].removeprefix(b", ")


def rename_key(generator: random.Random, line: bytes) -> bytes:
    """A key has another name."""
    start, end = _place(generator, _KEY, line)
    return line[:start] + b'"other"' + line[end:]


def nest(generator: random.Random, line: bytes) -> bytes:
    """An unknown key holds lists within lists."""
    levels = generator.choice([1, 50, 63, 64, 700, 1_000])
    return line[:-1] + b', "deep": ' + b"[" * levels + b"]" * levels + b"}"


def shuffle_utterances(generator: random.Random, line: bytes) -> bytes:
    """Utterances and points in another order, some twice, some missing."""
    record = json.loads(line)
    for items in (record["timed_caption"], *(record["traces"] or [])):
        items[:] = generator.choices(items, k=len(items)) if items else items
    return json.dumps(record, ensure_ascii=generator.random() < 0.5).encode()


def another_kind(generator: random.Random, line: bytes) -> bytes:
    """Something else in place of a narrative."""
    return generator.choice(
        [b"", b" ", b"\t\r", b"1", b"null", b"[]", b"{}", b"a,b,c", b"{", b"\xef\xbb\xbf" + line,
         b'{"asr": []}', b"<html>", line + line, line + b"\r", b"[" * generator.randint(1, 2_000)]
    )  # fmt: skip


def nothing(generator: random.Random, line: bytes) -> bytes:
    """The line as it is."""
    return line


MUTATIONS: tuple[Mutation, ...] = (
    flip_bytes,
    cut,
    drop_some,
    replace_number,
    insert_text,
    long_text,
    repeat_member,
    remove_member,
    rename_key,
    nest,
    shuffle_utterances,
    another_kind,
    nothing,
)


def short_lines(lines: Sequence[bytes]) -> list[bytes]:
    """Narratives cut to some utterances and points, so that many fit into a run."""
    shortened = []
    for line in lines:
        record = json.loads(line)
        record["timed_caption"] = record["timed_caption"][:4]
        record["traces"] = [segment[:5] for segment in record["traces"][:2]]
        record["caption"] = "".join(u["utterance"] + " " for u in record["timed_caption"])
        shortened.append(json.dumps(record).encode())
    return shortened


def mutated(lines: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """So many lines without line ends, each mutated once or twice."""
    generator = random.Random(seed)
    for _ in range(count):
        line = generator.choice(lines)
        first = generator.choice(MUTATIONS)
        changed = first(generator, line)
        if generator.random() < 0.2 and changed:
            second = generator.choice([flip_bytes, cut, replace_number, insert_text, repeat_member])
            changed = second(generator, changed)
        yield changed.replace(b"\n", b" ")
