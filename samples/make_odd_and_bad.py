"""Makes `narratives/odd_and_bad.jsonl`: odd but good lines and bad lines that real files have.

Every line is one of the real narratives beside this script with one thing changed. Changed
narratives carry the `dataset_id` `altered_train`, so that they never mix with real ones.

    python samples/make_odd_and_bad.py
"""

import copy
import json
import pathlib
from collections.abc import Callable

FOLDER = pathlib.Path(__file__).parent / "narratives"
REAL = FOLDER / "vidln_as_localized_narratives.jsonl"
FRAGMENT = FOLDER / "fragments" / "coco_val_line4414_truncated.json"
RESULT = FOLDER / "odd_and_bad.jsonl"

COCO_RECORDING = "coco_val/coco_val_381639_89.ogg"
"""The recording of the fragment's narrative, by the documented naming of COCO's recordings."""

SOURCES = {"boy": 2, "tigers": 17, "other tiger": 18, "cyclists": 15, "floor": 8}
"""Short real narratives, by their lines (from 0) in the file of real ones."""

Record = dict


def no_traces(record: Record) -> None:
    """The key is missing, as in some COCO records."""
    del record["traces"]


def null_traces(record: Record) -> None:
    """The key is there with no value."""
    record["traces"] = None


def empty_traces(record: Record) -> None:
    """The pointer never entered the image."""
    record["traces"] = []


def zero_times(record: Record) -> None:
    """The first two utterances have start = end = 0."""
    for utterance in record["timed_caption"][:2]:
        utterance["start_time"] = utterance["end_time"] = 0


def outside_image(record: Record) -> None:
    """Points in the band around the image, left and right of it."""
    first, second = record["traces"][0][:2]
    first["x"], second["x"] = -0.0512, 1.0833


def times_out_of_order(record: Record) -> None:
    """Two trace points came in each other's place."""
    points = record["traces"][0]
    points[1]["t"], points[2]["t"] = points[2]["t"], points[1]["t"]


def ids_of_other_types(record: Record) -> None:
    """The annotator's id is a string, the image's an integer."""
    record["annotator_id"], record["image_id"] = str(record["annotator_id"]), 381639


def extra_key(record: Record) -> None:
    """A key that the format does not have."""
    record["hit_id"] = "3XWE1N"


def no_transcript(record: Record) -> None:
    """The recogniser heard nothing."""
    record["timed_caption"] = []


def no_caption(record: Record) -> None:
    """The annotator wrote nothing."""
    record["caption"] = ""


def key_first(record: Record) -> None:
    """The first of two narratives with the same image and annotator."""
    record["image_id"] = "repeated"


def key_again(record: Record) -> None:
    """The second of two narratives with the same image and annotator."""
    record["image_id"] = "repeated"
    record["caption"] += " There is grass."


def wrong_type(record: Record) -> None:
    """The caption is null."""
    record["caption"] = None


def wrong_type_in_traces(record: Record) -> None:
    """A coordinate is a string."""
    record["traces"][0][0]["x"] = "0.25"


def missing_key(record: Record) -> None:
    """There is no caption at all."""
    del record["caption"]


def not_a_number(record: Record) -> None:
    """A time is NaN, which JSON does not have though Python writes it."""
    record["timed_caption"][0]["start_time"] = float("nan")


def altered(source: str, change: Callable[[Record], None]) -> bytes:
    """A real narrative with one change, as a line with its end."""
    record = copy.deepcopy(json.loads(REAL.read_bytes().splitlines()[SOURCES[source]]))
    record["dataset_id"] = "altered_train"
    record["image_id"] = f"{source.replace(' ', '_')}_{change.__name__}"
    change(record)
    return json.dumps(record).encode() + b"\n"


def completed_fragment() -> bytes:
    """The truncated COCO record with its recording: integers for floats, no traces."""
    record = json.loads(FRAGMENT.read_bytes()) | {"voice_recording": COCO_RECORDING}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def invalid_utf8() -> bytes:
    """A caption in Latin-1: `é` is one byte."""
    return altered("boy", extra_key).replace(b"black hoodie", b"caf\xe9 hoodie")


def cut_line() -> bytes:
    """A download that broke off inside a trace; no line end."""
    return altered("tigers", extra_key)[:6_000]


def make_lines() -> list[bytes]:
    """All lines in the order of the file; README.md names each."""
    return [
        completed_fragment(),
        FRAGMENT.read_bytes().strip() + b"\n",
        altered("floor", no_traces),
        altered("floor", null_traces),
        altered("boy", empty_traces),
        altered("boy", wrong_type),
        altered("boy", zero_times),
        altered("boy", outside_image),
        b"\n",
        altered("boy", times_out_of_order),
        altered("boy", wrong_type_in_traces),
        altered("boy", ids_of_other_types),
        altered("boy", extra_key),
        altered("boy", missing_key),
        altered("cyclists", no_transcript),
        altered("cyclists", no_caption),
        altered("boy", not_a_number),
        altered("tigers", key_first),
        altered("other tiger", key_again),
        b" \t \n",
        invalid_utf8(),
        cut_line(),
    ]


if __name__ == "__main__":
    RESULT.write_bytes(b"".join(make_lines()))
