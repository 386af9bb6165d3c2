"""The sample in the repository: what its odd and bad lines are read as."""

import importlib.util
import pathlib

import pytest

from transforms.core.model.narratives import flags
from transforms.core.sources.narratives.reading import Origin, read_chunk

SAMPLES = pathlib.Path(__file__).parents[3] / "samples"
ODD_AND_BAD = SAMPLES / "narratives" / "odd_and_bad.jsonl"
REAL = SAMPLES / "narratives" / "vidln_as_localized_narratives.jsonl"

BAD = {  # line in the file, from 1: why it is rejected
    2: "missing_key",
    6: "wrong_type",
    11: "wrong_type",
    14: "missing_key",
    17: "malformed_json",
    21: "invalid_utf8",
    22: "malformed_json",
}

ODD = [  # the kept lines in their order: image and flags
    ("381639", ["no_trace", "zero_length_utterance"]),
    ("floor_no_traces", ["no_trace"]),
    ("floor_null_traces", ["no_trace"]),
    ("boy_empty_traces", ["no_trace"]),
    ("boy_zero_times", ["zero_length_utterance"]),
    ("boy_outside_image", ["outside_image"]),
    ("boy_times_out_of_order", ["times_out_of_order"]),
    ("381639", []),
    ("boy_extra_key", []),
    ("cyclists_no_transcript", []),
    ("cyclists_no_caption", []),
    ("repeated", []),
    ("repeated", []),
]


@pytest.fixture(scope="module")
def chunk():
    return read_chunk(ODD_AND_BAD.read_bytes(), Origin(ODD_AND_BAD.name))


def test_the_committed_file_is_what_the_script_makes():
    spec = importlib.util.spec_from_file_location("make", SAMPLES / "make_odd_and_bad.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert b"".join(script.make_lines()) == ODD_AND_BAD.read_bytes()


def test_bad_lines_are_rejected_for_their_reason(chunk):
    rejected = chunk["rejected"].to_pylist()
    assert {row["line_in_unit"] + 1: row["code"] for row in rejected} == BAD


def test_odd_lines_are_kept_and_flagged(chunk):
    names = flags.names(chunk["narratives"]["flags"].to_numpy()).to_pylist()
    images = chunk["narratives"]["image_id"].to_pylist()
    assert list(zip(images, names, strict=True)) == ODD


def test_every_line_is_accounted_for(chunk):
    assert chunk.lines == 22
    assert chunk.blank == 2
    assert chunk.lines == chunk.blank + chunk["rejected"].num_rows + chunk["narratives"].num_rows


def test_altered_narratives_are_not_counted_among_real_ones(chunk):
    datasets = chunk["narratives"]["dataset"].to_pylist()
    assert datasets == ["coco", *["altered"] * 12]


def test_real_narratives_are_whole_and_without_oddities():
    chunk = read_chunk(REAL.read_bytes(), Origin(REAL.name))
    assert chunk["narratives"].num_rows == chunk.lines == 22
    assert sum(map(len, chunk["narratives"]["utterances"].to_pylist())) == 482
    assert sum(len(trace["t"]) for trace in chunk["narratives"]["trace"].to_pylist()) == 10_104
    assert flags.count(chunk["narratives"]["flags"].to_numpy()) == {}
