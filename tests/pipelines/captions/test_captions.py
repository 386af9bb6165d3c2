"""The job of captions on the machinery of all jobs: rows, statistics, report, reuse, versions."""

import collections
import gzip
import json
import shutil
import statistics

import pyarrow.parquet as pq
import pytest

from pipelines.captions.job import main
from pipelines.replay.job import main as replay
from pipelines.versions.commands import main as versions
from tests import build_helpers as helpers
from transforms.core.base.errors import UsageError
from transforms.core.output.jobs.captions import CAPTIONS_JOB

SAMPLES = helpers.ROOT / "tests" / "data" / "collections"
NAMES = sorted(path.name for path in SAMPLES.iterdir() if path.suffix != ".md")


def run(output, *more, folder=SAMPLES, names=NAMES):
    files = [str(folder / name) for name in names]
    return main(["--input", *files, "--output", str(output), *map(str, more)])


def table(output, name):
    return pq.read_table(helpers.version_of(output) / name).to_pylist()


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    made = tmp_path_factory.mktemp("captions") / "out"
    assert run(made) == 0
    return made


def test_statistics_are_those_of_the_rows(output):
    rows = table(output, "captions")
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row["collection"], row["split"]].append(row)
    found = {(row["collection"], row["split"]): row for row in table(output, "richness")}
    assert found.keys() == groups.keys()
    for key, own in groups.items():
        per_image = collections.Counter(row["image_id"] for row in own)
        assert (found[key]["captions"], found[key]["images"]) == (len(own), len(per_image))
        assert found[key]["captions_per_image_mean"] == statistics.mean(per_image.values())
        assert found[key]["empty"] == sum(not row["caption"].strip() for row in own)
        for name in ("words", "nouns", "verbs"):
            values = [row["richness"][name] for row in own]
            assert found[key][f"{name}_sum"] == sum(values)
            deviation = statistics.pstdev(values)
            assert found[key][f"{name}_deviation"] == pytest.approx(deviation)
    nouns = collections.Counter()
    for row in rows:
        nouns[row["collection"], row["split"], row["richness"]["nouns"]] += 1
    counted = {tuple(row.values())[:3]: row["captions"] for row in table(output, "noun_counts")}
    assert counted == nouns


def test_the_report_sets_collections_beside_the_paper(output):
    folder, manifest = helpers.version_of(output), helpers.manifest_of(output)
    helpers.assert_complete(folder)
    assert manifest["counts"]["lines"] == 33 and manifest["counts"]["blank"] == 1
    text = (folder / "report.html").read_text()
    assert "616,767" in text and "67.5 words" in text and "61.9 in Table 3" in text
    assert text.count("<polyline") == 7 and "Localized Narratives, paper: mean 10.8" in text


def test_it_does_nothing_again_and_resumes(output, capsys):
    version = helpers.version_of(output)
    capsys.readouterr()
    assert run(output) == 0
    assert "Nothing to do" in capsys.readouterr().out
    (output / "CURRENT").unlink()
    sorted(output.glob("units/*/record"))[1].unlink()
    assert run(output, "--if-changed") == 0
    assert "1 unit pending" in capsys.readouterr().out
    assert helpers.version_of(output) == version
    capsys.readouterr()
    assert run(output, "--if-changed", "--summary", "json") == 5
    summary = json.loads(capsys.readouterr().out)
    assert (summary["status"], summary["exit_code"]) == ("unchanged", 5)


def test_the_commands_of_versions_work(output, capsys):
    assert versions(["verify", "--output", str(output)]) == 0
    assert versions(["list", "--output", str(output)]) == 0
    (helpers.version_of(output) / "report.html").unlink()
    assert versions(["verify", "--output", str(output), "--repair"]) in (0, 3)
    assert (helpers.version_of(output) / "report.html").exists()


def test_replay_refuses(output):
    arguments = ["--output", str(output), "--requeue", "discarded", "--max-distance", "12"]
    with pytest.raises(UsageError, match="versions of the job `captions`, whose records cannot be"):
        replay(arguments)


def grown(folder):
    """A document of some hundred records, plain and compressed; one record is bad."""
    folder.mkdir()
    items = [{"image_id": i // 3, "id": i % 250, "caption": f"a cat {i}"} for i in range(300)]
    items[70] = {"image_id": 1}
    data = json.dumps({"images": [{"id": 1}] * 90, "annotations": items, "x": [{}] * 9}).encode()
    (folder / "captions_train.json").write_bytes(data)
    (folder / "captions_train.json.gz").write_bytes(gzip.compress(data))
    return folder


@pytest.mark.long
def test_units_workers_and_compression_change_nothing(tmp_path, capsys):
    folder = grown(tmp_path / "in")
    kinds = {
        "one": (["captions_train.json"], ["--unit-bytes", "1MiB"]),
        "many": (["captions_train.json"], ["--unit-bytes", 1024, "--workers", 2]),
        "packed": (["captions_train.json.gz"], ["--unit-bytes", 2048]),
    }
    for name, (names, more) in kinds.items():
        made = tmp_path / name
        assert run(made, "--tagger", "none", *more, folder=folder, names=names) == 0
    one = table(tmp_path / "one", "captions")
    tables = CAPTIONS_JOB.statistics_tables
    for name in ("many", "packed"):
        rows = helpers.without(table(tmp_path / name, "captions"), "shard")
        assert rows == helpers.without(one, "shard")
        for each in tables:
            paths = [helpers.version_of(tmp_path / kind) / each / f"{each}.parquet"
                     for kind in ("one", name)]  # fmt: skip
            assert paths[0].read_bytes() == paths[1].read_bytes()
        manifest = helpers.manifest_of(tmp_path / name)
        assert len(manifest["units"]) > 5
        assert [row["line"] for row in manifest["bad_lines"]] == [71]
        assert all(shard["conserved"] for shard in manifest["shards"])
    (row,) = table(tmp_path / "one", "richness")
    assert (row["captions"], row["repeated"]) == (299, 0) and row["words_mean"] is None


def test_narratives_stand_beside_the_captions(tmp_path, capsys):
    narratives, made = tmp_path / "narratives", tmp_path / "out"
    arguments = helpers.arguments(narratives, [helpers.REAL])
    arguments[arguments.index("none")] = "en_ud_pos"
    from pipelines.build.job import main as build

    assert build(arguments) == 0
    names = ["captions_val2014.json"]
    assert run(made, names=names) == 0
    before = helpers.version_of(made)
    assert run(made, "--narratives", narratives, names=names) == 0
    assert helpers.version_of(made) != before
    text = (helpers.version_of(made) / "report.html").read_text()
    version = helpers.version_of(narratives).name
    assert f"Localized Narratives, version {version}: mean" in text
    assert helpers.manifest_of(made)["narratives"]["captions"] == 22


def test_wrong_use_is_a_sentence(tmp_path):
    cut = tmp_path / "captions_x.json"
    cut.write_bytes((SAMPLES / "captions_val2014.json").read_bytes()[:400])
    with pytest.raises(UsageError, match="is cut short at byte 400.*get the published file again"):
        run(tmp_path / "out", folder=tmp_path, names=[cut.name])
    with pytest.raises(UsageError, match="no collection of captions has files of such a name"):
        run(tmp_path / "out", names=["README.md"])
    shutil.copy(cut, tmp_path / "region_descriptions.json.zip")
    with pytest.raises(UsageError, match=r"`unzip -j region_descriptions.json.zip`"):
        run(tmp_path / "out", folder=tmp_path, names=["region_descriptions.json.zip"])
    with pytest.raises(UsageError, match="must be one of coco_results"):
        run(tmp_path / "out", "--format", "x")
    shutil.copy(SAMPLES / "results_20130124.token", tmp_path / "own.txt")
    own = ("--format", "flickr30k_tokens", "--collection", "mine", "--split", "test")
    made = tmp_path / "own"
    assert run(made, *own, "--tagger", "none", folder=tmp_path, names=["own.txt"]) == 0
    assert {(r["collection"], r["split"]) for r in table(made, "captions")} == {("mine", "test")}


def test_the_configuration_names_files_as_they_are_fetched_and_unpacked(tmp_path, monkeypatch):
    places = {
        "captions_val2014.json": "coco/annotations",
        "dataset_flickr30k.json": "captions/karpathy",
        "region_descriptions.json": "captions/visual_genome",
        "paragraphs_v1.json": "captions/stanford_paragraphs",
        "coco_val_captions.jsonl": "localized_narratives/coco/validation",
    }
    for name, place in places.items():
        folder = tmp_path / "data" / place
        folder.mkdir(parents=True)
        shutil.copy(SAMPLES / name, folder)
    monkeypatch.chdir(tmp_path)
    config = helpers.ROOT / "configs" / "captions.yaml"
    assert main(["--config", str(config), "--tagger", "none"]) == 0
    found = {row["collection"] for row in table(tmp_path / "out" / "captions", "captions")}
    assert len(found) == len(places)
