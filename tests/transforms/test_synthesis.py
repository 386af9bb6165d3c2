"""SynthesizeShards against its in-memory function."""

import os
import pathlib

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to

from transforms import synthesis
from transforms.core.base.errors import ChangedError, EngineError, UsageError
from transforms.core.output.commit_records import decode_record
from transforms.core.output.version import Summary
from transforms.core.synthesis.lines import Lines, to_lines
from transforms.core.synthesis.narrate import Casting, synthesize_narrative
from transforms.synthesis import (
    SYNTHESIS,
    SceneFiles,
    Shards,
    SynthesizeShards,
    plan_units,
    refuse_other_shards,
)
from transforms.units.publishing import publish_files
from transforms.units.publishing.publish_files import FilesPlan
from transforms.units.write import write_unit

SAMPLE = pathlib.Path(__file__).parents[2] / "samples" / "open_images"
SEED = 7


@pytest.fixture(scope="module")
def files():
    return SceneFiles(
        [str(SAMPLE / "*" / "images.csv")],
        [str(SAMPLE / "*" / f"annotations-{kind}.csv") for kind in ("human", "machine")],
        [str(SAMPLE / "*" / "annotations-human-bbox.csv")],
    )


@pytest.fixture(scope="module")
def expected(files):
    """The lines of 25 narratives, of each kind, without Beam."""
    scenes = files.read()
    casting = Casting.of(len(scenes), SEED)
    made = [to_lines(synthesize_narrative(scenes, casting, SEED, index)) for index in range(25)]
    return Lines(*zip(*made, strict=True))


def synthesize(files, shards, *flags):
    options = PipelineOptions(["--runner=FnApiRunner", "--direct_running_mode=in_memory", *flags])
    with beam.Pipeline(options=options) as pipeline:
        units = plan_units(files, shards, SEED)
        paths = pipeline | SynthesizeShards(files, shards, SEED, units)
        names = [shards.path("localized_narratives", i) for i in range(shards.shards)]
        assert_that(paths, equal_to(names))


def written(shards, kind):
    """Lines of all shards' files of a kind, in the order of the shards."""
    paths = [pathlib.Path(shards.path(kind, i)) for i in range(shards.shards)]
    return [line for path in paths for line in path.read_text().splitlines()]


@pytest.mark.parametrize("count", [1, 3])
def test_shards_hold_the_same_narratives_in_order(files, expected, tmp_path, count):
    shards = Shards(str(tmp_path), count, 25)
    synthesize(files, shards)
    for kind in Lines._fields:
        assert written(shards, kind) == list(getattr(expected, kind))
    assert len(list(tmp_path.iterdir())) == 4 * count  # nothing else is left behind


def test_names_of_files(files, tmp_path):
    shards = Shards(str(tmp_path), 2, 2)
    synthesize(files, shards)
    assert sorted(os.listdir(tmp_path)) == [
        f"generated_train_{kind}-0000{shard}-of-00002.jsonl"
        for kind in ("asr", "localized_narratives", "truth", "words")
        for shard in (0, 1)
    ]


def test_a_repeated_bundle_changes_nothing(files, expected, tmp_path):
    shards = Shards(str(tmp_path), 2, 25)
    synthesize(files, shards, "--direct_runner_bundle_repeat=1")
    assert written(shards, "truth") == list(expected.truth)
    assert len(list(tmp_path.iterdir())) == 8


def test_units_that_an_interrupted_run_has_finished_are_not_made_again(
    files, expected, tmp_path, monkeypatch
):
    monkeypatch.setattr(synthesis, "UNIT_NARRATIVES", 4)
    shards = Shards(str(tmp_path), 2, 25)

    def interrupted(*_):
        raise EngineError("interrupted")

    with monkeypatch.context() as patched:
        patched.setattr(publish_files, "publish_files", interrupted)
        with pytest.raises(Exception, match="interrupted"):
            synthesize(files, shards)
    records = sorted(tmp_path.glob("units/*/record"))
    assert len(records) == 7 and len(list(tmp_path.iterdir())) == 1
    records[5].unlink()
    made, real = [], synthesis.make_chunk

    def counted(unit, *others):
        made.append(unit.key)
        return real(unit, *others)

    monkeypatch.setattr(synthesis, "make_chunk", counted)
    synthesize(files, shards)
    assert made == [records[5].parent.name]
    for kind in Lines._fields:
        assert written(shards, kind) == list(getattr(expected, kind))
    assert len(list(tmp_path.iterdir())) == 8


def test_a_unit_that_is_lost_or_corrupt_is_not_published(files, tmp_path, monkeypatch):
    shards = Shards(str(tmp_path), 1, 5)
    units = plan_units(files, shards, SEED)
    scenes = files.read()
    (chunk,) = (synthesis.make_chunk(unit, scenes, Casting.of(len(scenes), SEED), SEED)
                for unit in units)  # fmt: skip
    plan = FilesPlan(SYNTHESIS, str(tmp_path), shards.plans(), shards.files())
    with pytest.raises(EngineError, match="not all of it was made"):
        publish_files.publish_files(Summary.of(SYNTHESIS), plan)
    record = pathlib.Path(write_unit(SYNTHESIS, units[0], chunk, str(tmp_path)))
    summary = Summary.of(SYNTHESIS)
    summary.update(decode_record(record.read_bytes()))
    (truth,) = record.parent.glob("*/truth.jsonl")
    truth.write_bytes(truth.read_bytes()[:-2] + b"?\n")
    with pytest.raises(ChangedError, match="corrupt and removed"):
        publish_files.publish_files(summary, plan)
    assert not record.exists() and not list(tmp_path.glob("*.jsonl"))


def test_more_shards_than_narratives(files, expected, tmp_path):
    shards = Shards(str(tmp_path), 4, 2)
    synthesize(files, shards)
    assert written(shards, "words") == list(expected.words[:2])
    assert len(list(tmp_path.iterdir())) == 16


@pytest.mark.parametrize(("narratives", "shards"), [(0, 1), (1, 1), (10, 3), (7, 10)])
def test_indexes_are_dealt_out_whole_and_evenly(narratives, shards):
    dealt = Shards("out", shards, narratives)
    parts = [dealt.indexes(shard) for shard in range(shards)]
    assert [index for part in parts for index in part] == list(range(narratives))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_the_sample_in_the_repository_is_what_is_made(files, tmp_path):
    """Seed 7, 60 narratives, 2 shards."""
    shards = Shards(str(tmp_path), 2, 60)
    synthesize(files, shards)
    shipped = Shards(str(SAMPLE.parent / "narratives"), 2, 60)
    for kind in Lines._fields:
        assert written(shards, kind) == written(shipped, kind)


@pytest.mark.parametrize(
    ("shards", "seed"),
    [(Shards("out", 0, 1), 0), (Shards("out", 1, -1), 0), (Shards("out", 1, 1), -1),
     (Shards("out", 1, 1), 2**64)],
)  # fmt: skip
def test_parameters_are_checked(files, shards, seed):
    with pytest.raises(UsageError, match="must be"):
        SynthesizeShards(files, shards, seed)


def test_other_shards_in_the_folder_are_refused(tmp_path):
    (tmp_path / "generated_train_truth-00000-of-00003.jsonl").touch()
    refuse_other_shards(Shards(str(tmp_path), 3, 1))
    with pytest.raises(UsageError, match="00000-of-00003.*another number"):
        refuse_other_shards(Shards(str(tmp_path), 2, 1))


def test_classes_can_be_given(files, tmp_path):
    classes = tmp_path / "classes.csv"
    classes.write_text("/m/01g317,Person\n")
    own = SceneFiles(files.images, files.labels, files.boxes, [str(classes)])
    assert {box.name for scene in own.read() for box in scene.boxes} == {"person"}
