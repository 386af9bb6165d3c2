"""A narrative's caption cut into pieces: words with the colour of their time, and mentions."""

from transforms.core.report.drawings.drawing import Clock
from transforms.core.report.page.formats import NOTHING, integer, percent, ratio


def caption_pieces(
    narrative: dict, mentions: list[dict], clock: Clock | None
) -> list[dict[str, str | None]]:
    """The whole caption in order.

    Returns:
      Pieces with `text`; `classes`, None for text between words; `title`, what a pointer over
      the piece shows, or None.
    """
    caption, pieces, at = narrative["caption"], [], 0
    named = {
        word: mention
        for mention in mentions
        for word in range(mention["first_word"], mention["end_word"])
    }
    for index, word in enumerate(narrative["words"] or []):
        if word["char_start"] > at:
            pieces.append(_piece(caption[at : word["char_start"]]))
        text = caption[word["char_start"] : word["char_end"]]
        pieces.append(_piece(text, _classes(word, named.get(index), clock), _title(word)))
        at = word["char_end"]
    return pieces + ([_piece(caption[at:])] if at < len(caption) else [])


def _piece(text: str, classes: str | None = None, title: str | None = None) -> dict:
    return {"text": text, "classes": classes, "title": title}


def _classes(word: dict, mention: dict | None, clock: Clock | None) -> str:
    classes = ["word"]
    if clock and word["start_time"] is not None:
        classes.append(f"t{clock.step((word['start_time'] + word['end_time']) / 2)}")
    if mention:
        classes.append("mention" if mention["box_index"] is not None else "mention unboxed")
    return " ".join(classes)


def _title(word: dict) -> str | None:
    if word["start_time"] is None:
        return None
    return f"{_seconds(word)}, {_points(word)}"


def _seconds(timed: dict) -> str:
    if timed["start_time"] is None:
        return NOTHING
    return f"{timed['start_time']:.2f}–{timed['end_time']:.2f} s"


def _points(word: dict) -> str:
    points = (word["end_point"] or 0) - (word["first_point"] or 0)
    return f"{points} trace point{'' if points == 1 else 's'}"


def mention_rows(mentions: list[dict], clock: Clock | None) -> list[dict]:
    """The mentions of a narrative as rows of text, in the order of the caption."""
    rows = []
    for mention in sorted(mentions, key=lambda mention: mention["char_start"]):
        colour = ""
        if clock and mention["start_time"] is not None:
            colour = f"t{clock.step((mention['start_time'] + mention['end_time']) / 2)}"
        boxed = mention["box_index"] is not None
        share = ratio(mention["points_inside"], mention["points"]) if boxed else None
        rows.append(
            {
                "text": mention["text"],
                "colour": colour,
                "name": mention["name"] or mention["class_id"],
                "seconds": _seconds(mention),
                "points": integer(mention["points"]),
                "inside": percent(share, 0),
            }
        )
    return rows
