"""Each stage's transform against its pure function, and what stages owe to any engine."""

import ast
import dataclasses
import functools
import importlib
import pickle
import threading
from collections import Counter

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.internal import pickler
from apache_beam.testing.test_pipeline import TestPipeline as Pipeline
from apache_beam.testing.util import assert_that, equal_to

from tests import build_helpers as helpers
from tests.transforms.core.complete import complete
from transforms import storage
from transforms.collections.narratives.calibrate import CountDistances, count_distances
from transforms.collections.narratives.stages import (
    AlignTranscripts,
    FilterQuality,
    GroundWords,
    JoinAnnotations,
    MatchMentions,
    MeasureRichness,
    ReadNarratives,
    annotations_from,
    read_narratives,
    transcripts_from,
)
from transforms.core.base.errors import EngineError
from transforms.core.base.text import split_words
from transforms.core.base.versions import deployment_version
from transforms.core.model.narratives.schemas import RICHNESS_OF_CAPTION
from transforms.core.model.units import Unit
from transforms.core.output.commit_records import decode_record
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.sources.annotations.lookup import open_index
from transforms.core.stages.align.align_transcripts import align_transcripts
from transforms.core.stages.align.transcript_sources import Spoken, TimedCaption, create_source
from transforms.core.stages.filter.filter_quality import (
    MaxDistance,
    MaxDistancePerChar,
    MinWords,
    filter_quality,
)
from transforms.core.stages.ground_words import ground_words
from transforms.core.stages.join_annotations import join_annotations
from transforms.core.stages.match.match_mentions import MentionRules, compile_rules, match_mentions
from transforms.core.stages.measure.measure_richness import measure_richness
from transforms.core.stages.measure.taggers import create_tagger
from transforms.stage import ChunkCoder
from transforms.units import write
from transforms.units.reading.read import read_unit
from transforms.units.write import WriteUnit, write_unit

UNIT_BYTES = 100_000
RULES = [MinWords(25)]
MENTIONS = MentionRules(plurals=True, excluded_flags=("is_group_of",))


def units_of(path):
    (file,) = storage.match([str(path)])
    return list(Unit(file.path, path.stem, file.fingerprint, file.size).pieces(UNIT_BYTES))


UNITS = [*units_of(helpers.ODD_AND_BAD), *units_of(helpers.GENERATED[0])[:2]]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Path of an annotation index of the generated narratives' images."""
    from pipelines.cli.options import Options
    from pipelines.index_annotations import AnnotationSources, ensure_annotation_index

    train = helpers.ROOT / "samples" / "open_images" / "train"
    sources = AnnotationSources(
        boxes=[str(train / "annotations-human-bbox.csv")], images=[str(train / "images.csv")]
    )
    return ensure_annotation_index(sources, str(tmp_path_factory.mktemp("index")), Options())


STAGES = ("Align", "Ground", "Filter", "Join", "Match", "Measure")


@pytest.fixture(scope="module")
def stages(index):
    """By name: a stage's transform and its function, with the same parameters."""
    opened = open_index(index)
    rules = compile_rules(opened, MENTIONS)
    source, tagger = create_source("timed_caption", None), create_tagger("en_ud_pos")
    return {
        "Align": (AlignTranscripts(), lambda chunk: align_transcripts(chunk, source)),
        "Ground": (GroundWords(), ground_words),
        "Filter": (FilterQuality(RULES), lambda chunk: filter_quality(chunk, RULES)),
        "Join": (
            JoinAnnotations(annotations_from(index)),
            lambda chunk: join_annotations(chunk, opened),
        ),
        "Match": (
            MatchMentions(annotations_from(index), MENTIONS),
            lambda chunk: match_mentions(chunk, rules),
        ),
        "Measure": (
            MeasureRichness(functools.partial(create_tagger, "en_ud_pos")),
            lambda chunk: measure_richness(chunk, tagger),
        ),
    }


@pytest.fixture(scope="module")
def elements(stages):
    """By stage: the elements that come to it; `done` are those to write, completed."""
    found = {
        "Read": [
            element for unit in UNITS for element in read_unit(unit, UNIT_BYTES, read_narratives)
        ]
    }
    current = found["Read"]
    for name, (_, function) in stages.items():
        found[name] = current
        current = [(unit, function(chunk)) for unit, chunk in current]
    done = [(unit, complete(chunk)) for unit, chunk in current]
    return found | {"Write": current, "done": done}


def in_order(elements):
    return sorted(elements, key=lambda element: element[0].key)


def same(expected):
    """Whether a collection of (unit, chunk) is this one, in every value and type."""

    def check(actual):
        for (unit, chunk), (other_unit, other) in zip(
            in_order(actual), in_order(expected), strict=True
        ):
            assert unit == other_unit
            assert chunk == other, unit.key

    return check


def test_read_narratives(elements):
    with Pipeline(runner="FnApiRunner") as pipeline:
        read = pipeline | beam.Create(UNITS) | ReadNarratives(UNIT_BYTES)
        assert_that(read, same(elements["Read"]))


@pytest.mark.parametrize("name", STAGES)
def test_stage(stages, elements, name):
    transform, function = stages[name]
    expected = [(unit, function(chunk)) for unit, chunk in elements[name]]
    assert all(a != b for (_, a), (_, b) in zip(expected, elements[name], strict=True))
    with Pipeline(runner="FnApiRunner") as pipeline:
        assert_that(pipeline | beam.Create(elements[name]) | transform, same(expected))


def test_stages_in_a_row_with_chunks_sent_between_them(stages, elements):
    """Nothing depends on fusion: chunks pass through their coder between all stages."""
    with Pipeline(runner="FnApiRunner") as pipeline:
        chunks = pipeline | beam.Create(UNITS) | ReadNarratives(UNIT_BYTES)
        for name, (transform, _) in stages.items():
            chunks = chunks | f"Send{name}" >> beam.Reshuffle() | transform
        assert_that(chunks, same(elements["Write"]))


def test_count_distances(elements):
    expected = sum((Counter(count_distances(chunk)) for _, chunk in elements["Ground"]), Counter())
    assert expected.total() == sum(len(chunk["narratives"]) for _, chunk in elements["Ground"])
    with Pipeline(runner="FnApiRunner") as pipeline:
        counts = pipeline | beam.Create(elements["Ground"]) | CountDistances()
        assert_that(counts | beam.Map(dict), equal_to([dict(expected)]))


def rows_of(record, output):
    """A record's own files as rows by table."""
    return {file.table: helpers.read_file(output / file.path) for file in record.files}


def test_write_unit(elements, tmp_path):
    with Pipeline(runner="FnApiRunner") as pipeline:
        write = WriteUnit(NARRATIVES, str(tmp_path / "transform"), deployment_version())
        paths = pipeline | beam.Create(elements["done"]) | write
        expected = [str(tmp_path / "transform" / "units" / u.key / "record") for u in UNITS]
        assert_that(paths, equal_to(expected))
    for unit, chunk in elements["done"]:
        write_unit(NARRATIVES, unit, chunk, str(tmp_path / "function"))
        made = {}
        for way in ("transform", "function"):
            path = tmp_path / way / "units" / unit.key / "record"
            record = decode_record(path.read_bytes())
            made[way] = (record.counts, record.statistics, rows_of(record, tmp_path / way))
            assert {p.name for p in path.parent.iterdir()} == {"record", record.attempt}
        assert made["transform"] == made["function"]


def test_a_second_try_of_a_finished_unit_writes_nothing(elements, tmp_path, monkeypatch):
    unit, chunk = elements["done"][0]
    path = write_unit(NARRATIVES, unit, chunk, str(tmp_path))
    before = helpers.files_below(tmp_path)
    monkeypatch.delattr(storage, "new_file")
    assert write_unit(NARRATIVES, unit, chunk, str(tmp_path)) == path
    assert helpers.files_below(tmp_path) == before


def test_a_try_that_loses_the_race_removes_its_files(elements, tmp_path, monkeypatch):
    """The other try commits when this one is about to write its first file."""
    unit, chunk = elements["done"][0]
    new_file, before = storage.new_file, {}

    def interrupted(path):
        monkeypatch.setattr(storage, "new_file", new_file)
        write_unit(NARRATIVES, unit, chunk, str(tmp_path))
        before.update(helpers.files_below(tmp_path))
        return new_file(path)

    monkeypatch.setattr(storage, "new_file", interrupted)
    path = write_unit(NARRATIVES, unit, chunk, str(tmp_path))
    assert before and helpers.files_below(tmp_path) == before
    record = decode_record(storage.read_bytes(path))
    assert {p.name for p in (tmp_path / "units" / unit.key).iterdir()} == {
        "record",
        record.attempt,
    }


def test_a_try_whose_files_another_run_removed_takes_the_record_that_is_there(
    elements, tmp_path, monkeypatch
):
    unit, chunk = elements["done"][0]
    new_file = storage.new_file

    def removed(path):
        monkeypatch.setattr(storage, "new_file", new_file)
        write_unit(NARRATIVES, unit, chunk, str(tmp_path))
        raise FileNotFoundError(path)

    monkeypatch.setattr(storage, "new_file", removed)
    assert storage.exists(write_unit(NARRATIVES, unit, chunk, str(tmp_path)))


def test_a_try_whose_record_is_there_though_creating_it_failed_keeps_its_files(
    elements, tmp_path, monkeypatch
):
    unit, chunk = elements["done"][0]
    create = storage.create_exclusively

    def answer_lost(path, data):
        create(path, data)
        raise EngineError("no answer")

    monkeypatch.setattr(storage, "create_exclusively", answer_lost)
    with pytest.raises(EngineError):
        write_unit(NARRATIVES, unit, chunk, str(tmp_path))
    record = decode_record((tmp_path / "units" / unit.key / "record").read_bytes())
    assert all((tmp_path / file.path).stat().st_size == file.bytes for file in record.files)


def test_a_try_that_fails_leaves_nothing(elements, tmp_path, monkeypatch):
    unit, chunk = elements["done"][0]
    monkeypatch.setattr(write, "make_record", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_unit(NARRATIVES, unit, chunk, str(tmp_path))
    assert helpers.files_below(tmp_path) == {}


def test_of_many_tries_at_once_one_finishes_the_unit(elements, tmp_path):
    unit, chunk = elements["done"][0]
    barrier = threading.Barrier(8)

    def attempt():
        barrier.wait()
        write_unit(NARRATIVES, unit, chunk, str(tmp_path))

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record = decode_record((tmp_path / "units" / unit.key / "record").read_bytes())
    found = {path.name for path in (tmp_path / "units" / unit.key).iterdir()}
    assert found == {"record", record.attempt}
    for file in record.files:
        assert (tmp_path / file.path).stat().st_size == file.bytes


def test_chunks_have_a_coder_of_their_own(elements, stages):
    coder = ChunkCoder()
    assert coder.is_deterministic()
    for _, chunk in [*elements["Read"], *elements["done"]]:
        encoded = coder.encode(chunk)
        assert coder.encode(chunk) == encoded and coder.decode(encoded) == chunk
        # about the bytes that are sent, known without making them; of columns' declarations, some
        # 40 KB whatever the number of rows, nothing is counted
        declared = sum(len(table.schema.serialize()) for table in chunk.tables.values())
        assert (len(encoded) - declared) / 2 < coder.estimate_size(chunk) < 2 * len(encoded)


def test_every_stage_sends_chunks_through_their_coder(stages):
    collections = [beam.Pipeline(runner="FnApiRunner") | beam.Create(UNITS) | ReadNarratives(1)]
    for transform, _ in stages.values():
        collections.append(collections[-1] | transform)
    for collection in collections:
        coder = beam.coders.registry.get_coder(collection.element_type)
        assert isinstance(coder.coders()[1], ChunkCoder)


class Murmured(TimedCaption):
    """A source of transcriptions from outside: of each utterance nothing was heard."""

    name = "murmured"

    def spoken(self, narratives):
        spoken = super().spoken(narratives)
        nothing = split_words(pa.array([""] * len(narratives)))
        return Spoken(nothing, spoken.starts[:0], spoken.ends[:0])


def count_letters(captions):
    """A tagger from outside: letters for words, and no tags."""
    letters = pa.array([len(text) for text in captions.to_pylist()], pa.int32())
    fields = list(RICHNESS_OF_CAPTION)
    none = pa.nulls(len(captions), pa.int32())
    return pa.StructArray.from_arrays([letters, *[none] * (len(fields) - 1)], fields=fields)


def letters():
    return count_letters


def test_strategies_from_outside_are_objects(elements):
    """A source of transcriptions and a tagger that the project does not know."""
    chunks = elements["Align"]
    transforms = {"Align": AlignTranscripts(Murmured), "Measure": MeasureRichness(letters)}
    expected = {
        "Align": [align_transcripts(chunk, Murmured()) for _, chunk in chunks],
        "Measure": [measure_richness(chunk, count_letters) for _, chunk in chunks],
    }
    for name, transform in transforms.items():
        with Pipeline(runner="FnApiRunner") as pipeline:
            made = [(unit, chunk) for (unit, _), chunk in zip(chunks, expected[name], strict=True)]
            assert_that(pipeline | beam.Create(chunks) | transform, same(made))
    narratives = expected["Align"][0]["narratives"]
    assert set(narratives["transcript_source"].to_pylist()) == {"murmured"}
    assert narratives["distance"].null_count == len(narratives) > 0
    words = expected["Measure"][0]["narratives"]["richness"].to_pylist()
    assert words[0]["words"] == len(chunks[0][1]["narratives"]["caption"][0].as_py())


def test_transforms_travel_to_workers(stages, elements, tmp_path):
    for name, (transform, function) in stages.items():
        prepare = pickle.loads(pickle.dumps(transform.prepare()))
        _, chunk = elements[name][0]
        assert prepare()(chunk) == function(chunk)
        pickler.loads(pickler.dumps(transform))
    for transform in (
        ReadNarratives(1),
        WriteUnit(NARRATIVES, str(tmp_path), ""),
        CountDistances(),
    ):
        pickler.loads(pickler.dumps(transform))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReadNarratives(0), "unit_bytes must be positive"),
        (transcripts_from("asr", None), "transcripts asr and index None differ"),
        (transcripts_from("timed_caption", "index"), "index .*index differ"),
        (lambda: FilterQuality([MaxDistance(1), MaxDistancePerChar(1)]), "same reason"),
    ],
)
def test_parameters_are_checked_when_a_transform_is_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_class_names_are_compiled_once_in_a_process(index):
    first, second = (compile_rules(open_index(index), MENTIONS) for _ in range(2))
    assert first.vocabularies.keys() == second.vocabularies.keys() != set()
    for dataset, vocabulary in first.vocabularies.items():
        assert second.vocabularies[dataset] is vocabulary
    other = dataclasses.replace(MENTIONS, plurals=not MENTIONS.plurals)
    assert (
        compile_rules(open_index(index), other).vocabularies[None] is not first.vocabularies[None]
    )


MODULES = [
    path
    for path in sorted((helpers.ROOT / "transforms").rglob("*.py"))
    # Connections and the gates of hosts belong to a process.
    if not {"core", "storage"} & {*path.parts} and path.name != "fetching.py"
]
MUTABLE = (list, dict, set, bytearray, Counter)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_modules_of_transforms_hold_no_state(path):
    """What a module holds beside constants, workers would not share."""
    tree = ast.parse(path.read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Global)]
    parts = path.relative_to(helpers.ROOT).with_suffix("").parts
    module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
    own = {name: value for name, value in vars(module).items() if not name.startswith("__")}
    assert all(name.isupper() for name, value in own.items() if isinstance(value, MUTABLE))
    made_here = [
        value for value in own.values() if getattr(value, "__module__", "") == module.__name__
    ]
    assert not [value for value in made_here if hasattr(value, "cache_info")]
