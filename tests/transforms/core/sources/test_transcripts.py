"""Recognisers' outputs and published transcriptions, in every accepted form."""

import json

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.base.errors import UsageError
from transforms.core.model.columns import list_of
from transforms.core.model.narratives import schemas
from transforms.core.sources.index.buckets import build_bucket, describe_file, split_by_bucket
from transforms.core.sources.index.manifest import FORMAT, IndexManifest, TableManifest
from transforms.core.sources.transcripts import (
    ASR,
    TABLES,
    WORDS,
    BadTranscription,
    TranscriptIndex,
    asr_key,
    parse_asr_lines,
    parse_words_files,
    parse_words_lines,
    recording_key,
)


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def alternative(text, confidence=None):
    return {"text": text, "confidence": confidence}


def word(text, start, end):
    return {"text": text, "start_time": start, "end_time": end}


CHUNKS = [
    [{"transcript": "in this image", "confidence": 0.97}, {"transcript": "in this imaged"}],
    [{"transcript": "i can see a dog", "confidence": 1}],
]
READ_CHUNKS = [
    [alternative("in this image", 0.97), alternative("in this imaged")],
    [alternative("i can see a dog", 1.0)],
]


@pytest.mark.parametrize(
    "record",
    [
        {"dataset_id": "mscoco_val2017", "image_id": "137576", "annotator_id": 93, "asr": CHUNKS},
        {"image_id": 137576, "annotator_id": 93, "voice_recording": "a.ogg", "asr": CHUNKS},
        {"image_id": "137576", "annotator_id": 93, "transcriptions": CHUNKS},
        {
            "image_id": "137576",
            "annotator_id": 93,
            "asr": [{"alternatives": chunk} for chunk in CHUNKS],
        },
        {
            "image_id": "137576",
            "annotator_id": 93,
            "asr": [
                [{"text": item.pop("transcript"), **item} for item in map(dict, chunk)]
                for chunk in CHUNKS
            ],
        },
    ],
    ids=["published", "number", "transcriptions", "objects", "text"],
)
def test_forms_of_asr(record):
    rows = parse_asr_lines(lines(record))
    assert rows.to_pylist() == [{"key": "137576/93", "chunks": READ_CHUNKS}]
    assert rows.schema.field("chunks").type == TABLES[ASR].field("chunks").type


def google(**word_times):
    return {
        "results": [
            {
                "alternatives": [
                    {"transcript": "the", "words": [{"word": "the", **word_times}]},
                    {"transcript": "a", "words": []},
                ],
                "languageCode": "en-us",
            },
            {"alternatives": [{"transcript": " "}]},
            {},
        ],
        "totalBilledTime": "15s",
    }


@pytest.mark.parametrize(
    "output",
    [
        google(startTime="1.300s", endTime="2s"),
        google(startOffset="1.300s", endOffset="2s"),
        google(startTime={"seconds": 1, "nanos": 300000000}, endTime={"seconds": "2"}),
        google(startTime=1.3, endTime=2),
        {
            "text": " The",
            "language": "en",
            "segments": [
                {"id": 0, "words": [{"word": " the", "start": 1.3, "end": 2, "probability": 0.9}]},
                {"id": 1, "words": [{"word": " ", "start": 2, "end": 2}]},
            ],
        },
    ],
    ids=["google", "google-2", "durations", "numbers", "whisper"],
)
def test_forms_of_word_times(output):
    expected = [word("the", 1.3, 2.0)]
    by_line = parse_words_lines(lines({"recording": "open_images_train/x_12.ogg", **output}))
    assert by_line.to_pylist() == [{"key": "x_12", "words": expected}]
    assert by_line.schema.field("words").type == list_of(schemas.UTTERANCE)
    indented = json.dumps(output, indent=2).encode()
    by_file = parse_words_files([("out/x_12.json", indented), ("x_13.json", indented)])
    assert by_file.to_pylist() == [{"key": key, "words": expected} for key in ("x_12", "x_13")]


def test_a_first_word_at_no_time_begins_at_zero():
    found = parse_words_files([("x.json", json.dumps(google(endTime="0.4s")).encode())])
    assert found["words"].to_pylist() == [[word("the", 0.0, 0.4)]]


def test_nothing_said_is_an_empty_list():
    assert parse_words_files([("x.json", b'{"results": []}')])["words"].to_pylist() == [[]]
    record = {"image_id": "1", "annotator_id": 2, "asr": [[], []]}
    assert parse_asr_lines(lines(record))["chunks"].to_pylist() == [[[], []]]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)


@given(
    st.lists(
        st.lists(
            st.lists(st.tuples(TEXTS, st.one_of(st.none(), st.floats(0, 1))), max_size=3),
            max_size=3,
        ),
        max_size=4,
    )
)
def test_any_nesting_is_read_back(records):
    written = [
        {
            "image_id": str(i),
            "annotator_id": i,
            "asr": [[{"transcript": t, "confidence": c} for t, c in chunk] for chunk in record],
        }
        for i, record in enumerate(records)
    ]
    expected = [
        [[alternative(text, confidence) for text, confidence in chunk] for chunk in record]
        for record in records
    ]
    found = parse_asr_lines(b"\n" + lines(*written) + b" \n")
    assert found["chunks"].to_pylist() == expected
    assert found["key"].to_pylist() == [f"{i}/{i}" for i in range(len(records))]


@pytest.mark.parametrize(
    ("parse", "record", "said"),
    [
        (parse_asr_lines, {"image_id": "1", "annotator_id": 2}, "a record without `asr`"),
        (parse_asr_lines, {"image_id": "1", "asr": []}, "missing required field `annotator_id`"),
        (parse_asr_lines, {"image_id": "1", "annotator_id": "b", "asr": []}, "annotator_id"),
        (
            parse_asr_lines,
            {"image_id": "1", "annotator_id": 2, "asr": [[{"confidence": 1}]]},
            "an alternative without `transcript`",
        ),
        (
            parse_asr_lines,
            {"image_id": "1", "annotator_id": 2, "asr": ["text"]},
            "got `str` - at `$.asr[0]`",
        ),
        (parse_asr_lines, {"image_id": "k" * 255, "annotator_id": 2, "asr": []}, "255 bytes"),
        (parse_words_lines, {"results": []}, "a line without `recording`"),
        (parse_words_lines, {"recording": "x"}, "neither `results` (Google) nor `segments`"),
        (
            parse_words_lines,
            {"recording": "x", **google(startTime="1:30", endTime="2s")},
            "'1:30' is not a time",
        ),
        (parse_words_lines, {"recording": "x", **google(startTime="1s")}, "without `endTime`"),
        (
            parse_words_lines,
            {"recording": "x", "results": [{"alternatives": [{"transcript": "hi"}]}]},
            "recognise with word times",
        ),
        (parse_words_lines, {"recording": "x", "segments": [{"text": "hi"}]}, "`words`"),
    ],
)
def test_bad_lines_say_which_and_why(parse, record, said):
    with pytest.raises(BadTranscription) as error:
        parse(b"\n" + lines(record))
    assert error.value.line == 1
    assert said in str(error.value)


def test_a_line_that_is_cut():
    with pytest.raises(BadTranscription, match="truncated"):
        parse_asr_lines(b'{"image_id": "1", "asr"')


def test_a_bad_file_is_named():
    with pytest.raises(UsageError, match="^out/x.json: is not a transcription"):
        parse_words_files([("out/x.json", b"[]")])


@pytest.mark.parametrize(
    ("recording", "key"),
    [
        ("open_images_train_v6/open_images_train_1f2_44.ogg", "open_images_train_1f2_44"),
        ("x_1.json", "x_1"),
        ("a.b/x_1", "x_1"),
        ("ADE_val_00000175_60.ogg", "ADE_val_00000175_60"),
    ],
)
def test_recording_key(recording, key):
    assert recording_key(recording) == key


def write_index(folder, kind, rows):
    """An index of four buckets, written without Beam."""
    files = []
    for bucket, part in split_by_bucket(rows, 4):
        data, n_rows, n_keys = build_bucket([part], TABLES[kind], {})
        name = f"{kind}-{bucket:05d}.arrow"
        (folder / name).write_bytes(data)
        files.append(describe_file(name, bucket, data, n_rows, n_keys))
    tables = {kind: TableManifest(4, {}, files)}
    manifest = IndexManifest(FORMAT, kind, "here", [], tables).sealed()
    (folder / "index.json").write_bytes(msgspec.json.encode(manifest))


def test_lookup_gives_null_where_there_is_none(tmp_path):
    records = [
        {"image_id": str(i), "annotator_id": 7, "asr": [[{"transcript": f"t{i}"}]] * (i % 3)}
        for i in range(40)
    ]
    twice = {"image_id": "1", "annotator_id": 7, "asr": []}
    write_index(tmp_path, ASR, parse_asr_lines(lines(*records, twice)))
    index = TranscriptIndex.open(str(tmp_path))
    assert index.kind == ASR
    keys = [asr_key(i, 7) for i in (39, 40, 1, 0, 1)] + [None, "1/8"]
    found = index.lookup(pa.array(keys))
    one = [[alternative("t1")]]
    assert found.to_pylist() == [[], None, one, [], one, None, None]
    assert found.type == TABLES[ASR].field("chunks").type


def test_lookup_of_words(tmp_path):
    said = {"segments": [{"words": [{"word": "hi", "start": 0, "end": 0.5}]}]}
    write_index(tmp_path, WORDS, parse_words_lines(lines({"recording": "d/x_1.ogg", **said})))
    index = TranscriptIndex.open(str(tmp_path))
    keys = pa.array(["x_2", "x_1"])
    assert index.lookup(keys).to_pylist() == [None, [word("hi", 0.0, 0.5)]]
    assert index.lookup(pa.array([], pa.string())).to_pylist() == []


def test_an_index_of_annotations_is_no_index_of_transcriptions(tmp_path):
    (tmp_path / "index.json").write_bytes(b'{"format": 1, "kind": "annotations"}')
    with pytest.raises(UsageError, match="index of annotations, format 1; needed is asr or words"):
        TranscriptIndex.open(str(tmp_path))


def spoken(*words, **more):
    timed = [{"word": w, "startTime": f"{n}s", "endTime": f"{n + 1}s"} for n, w in words]
    return {"alternatives": [{"words": [word | more for word in timed]}]}


FIRST, SECOND = [(0, "a"), (1, "dog")], [(2, "and"), (3, "a"), (4, "cat")]


@pytest.mark.parametrize(
    "results",
    [
        [spoken(*FIRST), spoken(*SECOND)],
        [spoken(*FIRST), spoken(*SECOND), {"alternatives": []}],
        [spoken(*FIRST), spoken(*SECOND), spoken(*FIRST, *SECOND, speakerTag=1)],
        [spoken(*FIRST, speakerTag=0), spoken(*SECOND), spoken(*FIRST, *SECOND, speakerTag=2)],
        [spoken(*FIRST), spoken(*SECOND), spoken(*FIRST, *SECOND)],
        [spoken(*FIRST, speakerTag=1), spoken(*SECOND, speakerTag=2)],
        [spoken(*FIRST, *SECOND, speakerTag=1)],
    ],
)
def test_what_diarization_repeats_is_taken_once(results):
    line = json.dumps({"recording": "a_1", "results": results}).encode()
    (row,) = parse_words_lines(line).to_pylist()
    assert [word["text"] for word in row["words"]] == ["a", "dog", "and", "a", "cat"]
