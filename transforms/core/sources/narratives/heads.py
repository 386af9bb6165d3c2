"""Judging a shard by its head: are its first lines narratives at all?

`sources.foreign` names kinds of file that are known; this finds any other, before each of its
lines is rejected one by one. Planning calls it for every shard that is to be read from its
beginning, unless option `max_bad_share` is 1, which takes files of bad lines alone.
"""

from transforms.core.sources.narratives.decoding import BadLine, decode_line

HEAD_BYTES = 1 << 20
"""Bytes of a shard's (decompressed) beginning that are enough."""

MAX_LINES = 1_000
"""Lines of it that are looked at, blank ones left out."""

MIN_LINES = 100
"""Fewer lines than this in the head tell nothing: a shard may begin with some bad lines."""


def why_not_narratives(head: bytes, dialect: str = "full") -> str | None:
    """What is wrong with a shard that begins so; None where a line can be read, or there are few.

    Args:
      head: The first `HEAD_BYTES` of a shard, or all of a shorter one.
      dialect: One of `decoding.DIALECTS`.

    Returns:
      The number of lines that were looked at, and why the first of them cannot be read.
    """
    first = ""
    bad = 0
    for number, line in enumerate(_complete_lines(head), 1):
        if not line.strip():
            continue
        try:
            decode_line(memoryview(line), dialect)
            return None
        except BadLine as error:
            first = first or f"line {number}: {error.code}: {error}"
        bad += 1
        if bad == MAX_LINES:
            break
    if bad < MIN_LINES:
        return None
    return f"none of its first {bad:,} lines is a narrative; {first}"


def _complete_lines(head: bytes) -> list[bytes]:
    lines = head.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return lines[:-1] if len(head) == HEAD_BYTES else lines
