"""The job over real rows, packed as V1 to V3 were published, and loose as later releases are."""

import bz2
import collections
import csv
import json
import random
import shutil
import subprocess
import sys
import time

import duckdb
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.open_images import job
from pipelines.open_images.inputs import shortest_names
from pipelines.versions import commands
from tests import build_helpers as helpers
from tests.reference import release_labels as reference
from tests.transforms.core.sources.annotations.releases.packing import DATA, pack
from transforms.core.base.errors import UsageError

V3 = DATA / "v3"
KINDS = {
    "images": "images_2017_11.tar.gz",
    "annotations-human": "annotations_human_2017_11.tar.gz",
    "annotations-machine": "annotations_machine_2017_11.tar.gz",
    "annotations-human-bbox": "annotations_human_bbox_2017_11.tar.gz",
}
LISTS = {
    "class-descriptions.csv": (V3 / "class-descriptions.csv").read_bytes(),
    "classes-trainable.txt": b"/m/01g317\n/m/0no_name\n",
    "classes-bbox.txt": b"/m/01g317\r\n/m/09j2d\r\n",
}
POINTS = (
    "ImageId,X,Y,Label,EstimatedYesNo,Source,YesVotes,NoVotes,UnsureVotes,TextLabel\n"
    "000002b66c9c498e,0.25,0.5,/m/01g317,yes,ih,3,0,1,person\n"
    "ffffffffffffffff,0.1,0.2,/m/01g317,no,cc,0,2,0,\n"
)
"""The documented columns; made up, since no real row could be had."""

RELATIONSHIPS = (
    "ImageID,LabelName1,LabelName2,XMin1,XMax1,YMin1,YMax1,XMin2,XMax2,YMin2,YMax2,"
    "RelationshipLabel\n"
    "fe58ec1b06db2bb7,/m/04bcr3,/m/083vt,0.005,0.033125,0.58,0.627778,0.005,0.033125,0.58,"
    "0.627778,is\n"
    "000002b66c9c498e,/m/04yx4,/m/0jyfg,0.1,0.2,0.3,0.4,0.1,0.2,0.3,0.4,wears\n"
)
"""The first row is real (V6, CC BY 4.0), the second made of its form."""


def archives(folder):
    folder.mkdir()
    for kind, name in KINDS.items():
        members = [(f"2017_11/{split}/{kind}.csv", (V3 / split / f"{kind}.csv").read_bytes())
                   for split in ("train", "validation")]  # fmt: skip
        (folder / name).write_bytes(pack(members, mode="w:gz"))
    members = [(f"2017_11/{name}", data) for name, data in LISTS.items()]
    (folder / "classes_2017_11.tar.gz").write_bytes(pack(members, mode="w:gz"))
    return folder


def run(output, *inputs, more=("--allow-partial",)):
    return job.main(["--output", str(output), "--unit-bytes", "2048", *map(str, more),
                     "--input", *map(str, inputs)])  # fmt: skip


def table(output, name):
    return pq.read_table(helpers.version_of(output) / name).to_pylist()


def as_set(rows):
    return collections.Counter(json.dumps(row, sort_keys=True) for row in rows)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = archives(tmp_path_factory.mktemp("packed") / "in")
    output = folder.parent / "out"
    assert run(output, folder / "*.tar.gz") == 0
    return folder, output


@pytest.fixture(scope="module")
def loose(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loose") / "v3"
    shutil.copytree(V3, folder)
    for name, data in LISTS.items():
        (folder / name).write_bytes(data)
    output = folder.parent / "out"
    assert run(output, folder / "*", folder / "*" / "*.csv",
               more=("--allow-partial", "--unit-bytes", "1024")) == 0  # fmt: skip
    return folder, output


def test_archives_give_the_rows_of_the_files_in_them(packed, loose):
    for name in ("images", "labels", "boxes", "class_entries", "classes", "label_frequencies",
                 "machine_accuracy", "machine_accuracy_bins"):  # fmt: skip
        found = table(packed[1], name)
        assert found and as_set(found) == as_set(table(loose[1], name)), name


def test_the_conservation_law_holds_for_each_file(packed, loose):
    for _, output in (packed, loose):
        manifest = helpers.manifest_of(output)
        assert manifest["job"] == "open-images" and all(
            row["conserved"] for row in manifest["shards"]
        )
        assert len(manifest["units"]) > len(manifest["shards"])
        for row in manifest["shards"]:
            assert row["images"] + row["labels"] + row["boxes"] + row["class_entries"] + row[
                "files"] == row["lines"]  # fmt: skip
        helpers.assert_complete(helpers.version_of(output))
    names = {row["shard"]: row["lines"] for row in helpers.manifest_of(loose[1])["shards"]}
    assert names["train/images.csv"] == names["validation/images.csv"] == 61
    assert set(names) >= {"class-descriptions.csv", "classes-bbox.txt"}


def test_rows_are_those_of_the_files(packed):
    labels = table(packed[1], "labels")
    found = [",".join([row["image_id"], row["source"], row["class_id"]]) for row in labels
             if row["split"] == "train" and row["source"] == "machine"]  # fmt: skip
    lines = (V3 / "train" / "annotations-machine.csv").read_text().splitlines()[1:]
    assert found == [line.rpartition(",")[0] for line in lines]
    boxes = [row for row in table(packed[1], "boxes") if row["split"] == "train"]
    assert boxes[0]["x_max"] == 0.951487 and boxes[0]["is_inside"] is None
    flags = {row["is_occluded"] for row in table(packed[1], "boxes") if row["split"] != "train"}
    assert flags <= {-1, 0, 1} and None not in flags
    (image,) = (row for row in table(packed[1], "images") if row["image_id"] == "000002b66c9c498e")
    assert image["author"] == "Mae Catherine Melchor" and image["original_size"] == 141489
    files = table(packed[1], "files")
    assert len(files) == 8 and files[0]["header"].startswith("ImageID,")


def test_classes_are_complete_and_those_without_a_name_are_kept(packed):
    classes = {row["class_id"]: row for row in table(packed[1], "classes")}
    used = {row["class_id"] for name in ("labels", "boxes") for row in table(packed[1], name)}
    listed = {row["class_id"] for row in table(packed[1], "class_entries")}
    assert classes.keys() == used | listed
    assert classes["/m/0no_name"]["name"] is None and classes["/m/0no_name"]["trainable"]
    names = {
        row["class_id"]: row["name"] for row in table(packed[1], "class_entries") if row["name"]
    }
    assert all(classes[key]["name"] == name for key, name in names.items())
    assert any(row["name"] is None and row["rows"] for row in classes.values())
    with (V3 / "class-descriptions.csv").open(newline="", encoding="utf-8") as file:
        assert {row["class_id"]: row["name"] for row in table(packed[1], "class_entries")
                if row["list"] == "descriptions"} == dict(csv.reader(file))  # fmt: skip


def test_statistics_are_those_of_a_loop_over_the_rows(packed):
    labels = table(packed[1], "labels")
    rows = [tuple(row[name] for name in ("release", "split", "image_id", "source", "class_id",
                                         "confidence")) for row in labels]  # fmt: skip
    expected = reference.frequencies(rows)
    assert {(row["release"], row["split_group"], row["class_id"], row["source"]):
            (row["images"], row["negatives"])
            for row in table(packed[1], "label_frequencies")} == expected  # fmt: skip
    accuracy = {(row["release"], row["class_id"]):
                (row["images"], row["correct"], row["wrong"], row["disputed"])
                for row in table(packed[1], "machine_accuracy")}  # fmt: skip
    assert accuracy == reference.accuracy(rows) and sum(counts[1] for counts in accuracy.values())


JUDGED = """
WITH machine AS (SELECT DISTINCT release, split, image_id, class_id FROM labels
                 WHERE source = 'machine'),
     people AS (SELECT release, image_id, class_id, bool_or(confidence > 0) AS yes,
                       bool_or(confidence = 0) AS no
                FROM labels WHERE source <> 'machine' GROUP BY ALL)
SELECT class_id, count(*), count(*) FILTER (yes AND NOT no), count(*) FILTER (no AND NOT yes),
       count(*) FILTER (yes AND no)
FROM machine LEFT JOIN people USING (release, image_id, class_id) GROUP BY ALL
"""


def test_real_labels_are_judged_as_a_database_does(shared_data, tmp_path):
    """The first 1,000 rows of each official V3 file of labels, in byte ranges of 8 kB."""
    files = sorted((shared_data / "open_images" / "v3").glob("*/annotations-[hm]*[en].csv"))
    assert run(tmp_path / "out", *files, more=("--allow-partial", "--unit-bytes", "8192")) == 0
    database = duckdb.connect()
    database.execute(
        "CREATE TABLE labels AS SELECT 'v3' AS release, split_part(filename, '/', -2) AS split,"
        "ImageID AS image_id, Source AS source, LabelName AS class_id, Confidence AS confidence "
        "FROM read_csv($files, filename = true)", {"files": list(map(str, files))}
    )  # fmt: skip
    found = {
        tuple(row[name] for name in ("class_id", "images", "correct", "wrong", "disputed"))
        for row in table(tmp_path / "out", "machine_accuracy")
    }
    assert found == set(database.execute(JUDGED).fetchall())
    assert sum(row[2] for row in found) == 598 and len(found) == 962
    counted = database.execute(
        "SELECT split, class_id, count(DISTINCT image_id) FROM labels "
        "WHERE source = 'machine' GROUP BY ALL"
    ).fetchall()
    assert set(counted) == {
        (row["split_group"], row["class_id"], row["images"])
        for row in table(tmp_path / "out", "label_frequencies")
        if row["source"] == "machine" and row["split_group"] != "all"
    }


def test_official_numbers_stand_beside_those_read(packed, capsys, tmp_path):
    expected = {row["group"]: row for row in helpers.manifest_of(packed[1])["expected"]}
    assert len(expected) == 12
    assert expected["v3 train boxes"]["expected"] == 3_709_509
    assert expected["v3 train boxes"]["read"] == 60
    assert expected["v3 validation human labels"]["read"] == 60
    report = (helpers.version_of(packed[1]) / "report.html").read_text()
    assert "3,709,509" in report and "Share of correct machine labels" in report
    assert report.count('class="log-chart"') >= 3
    code = run(packed[1], packed[0] / "*.tar.gz", more=())
    assert code == 3 and "expected 3,709,509, read 60" in capsys.readouterr().err
    code = run(tmp_path / "out", packed[0] / KINDS["images"], more=("--summary", "json"))
    found = json.loads(capsys.readouterr().out)
    assert code == 3 and found["status"] == "not_as_published"
    assert not (tmp_path / "out" / "CURRENT").exists()


def test_nothing_is_done_twice_and_units_that_are_lost_are_done_again(packed, capsys):
    folder, output = packed
    version = helpers.version_of(output)
    assert run(output, folder / "*.tar.gz") == 0
    assert "Nothing to do" in capsys.readouterr().out
    more = ("--allow-partial", "--if-changed", "--summary", "json")
    assert run(output, folder / "*.tar.gz", more=more) == 5
    summary = json.loads(capsys.readouterr().out)
    assert (summary["status"], summary["exit_code"]) == ("unchanged", 5)
    records = sorted(output.glob("units/*/record"))
    before = as_set(table(output, "labels"))
    (output / "CURRENT").unlink()
    for record in random.Random(2).sample(records, 3):
        record.unlink()
    assert run(output, folder / "*.tar.gz") == 0
    assert helpers.version_of(output) == version and as_set(table(output, "labels")) == before


def test_its_versions_are_managed_as_all_others(packed, tmp_path, capsys):
    output = tmp_path / "out"
    shutil.copytree(packed[1], output)
    assert commands.main(["verify", "--output", str(output)]) == 0
    (index,) = output.glob("indexes/said-*")
    report = helpers.version_of(output) / "report.html"
    before = report.read_bytes()
    report.write_bytes(b"?" * len(before))
    assert commands.main(["verify", "--output", str(output)]) != 0
    assert commands.main(["verify", "--output", str(output), "--repair"]) == 0
    assert report.read_bytes() == before
    assert commands.main(["prune", "--output", str(output), "--keep-last", "1"]) == 0
    assert index.is_dir() and commands.main(["list", "--output", str(output)]) == 0


def test_later_releases_and_images_without_a_narrative(tmp_path, capsys):
    folder = tmp_path / "v7"
    folder.mkdir()
    (folder / "train-annotations-point-labels.csv").write_text(POINTS)
    (folder / "oidv6-train-annotations-vrd.csv").write_text(RELATIONSHIPS)
    for path in (DATA / "v6").glob("*.csv"):
        shutil.copy(path, folder / path.name)
    narratives = helpers.REAL.read_text().splitlines()[:2]
    shard = tmp_path / "mine_localized_narratives.jsonl"
    record = json.loads(narratives[0]) | {"image_id": "000002b66c9c498e"}
    shard.write_text(json.dumps(record) + "\n" + narratives[1] + "\n")
    assert helpers.build(tmp_path / "narrated", [shard], "--dataset", "open_images",
                         "--split", "train") == 0  # fmt: skip
    version = helpers.version_of(tmp_path / "narrated")
    assert run(tmp_path / "all", folder / "*") == 0
    assert run(tmp_path / "some", folder / "*", more=("--narratives", version)) == 0
    for name, number in {"point_labels": 2, "relationships": 1, "attributes": 1}.items():
        assert len(table(tmp_path / "all", name)) == number
    assert [row["image_id"] for row in table(tmp_path / "some", "point_labels")] == [
        "000002b66c9c498e"
    ]
    assert [row["relationship"] for row in table(tmp_path / "some", "relationships")] == ["wears"]
    assert collections.Counter(row["kind"] for row in table(tmp_path / "some", "left_out")) == {
        "point_labels": 1, "attributes": 1,
    }  # fmt: skip
    assert table(tmp_path / "some", "boxes") == table(tmp_path / "all", "boxes")
    point = table(tmp_path / "all", "point_labels")[0]
    assert (point["x"], point["yes_votes"], point["text_label"]) == (0.25, 3, "person")
    assert (point["release"], point["split"]) == ("v7", "train")
    manifest = helpers.manifest_of(tmp_path / "some")
    assert manifest["narratives"] == version.name and all(
        row["conserved"] for row in manifest["shards"]
    )
    with pytest.raises(UsageError, match="holds no version"):
        run(tmp_path / "x", folder / "*", more=("--narratives", tmp_path))


def test_bad_lines_have_their_member_and_line(tmp_path, capsys):
    lines = (V3 / "train" / "images.csv").read_bytes().splitlines(keepends=True)
    lines[5] = lines[5][:40] + b"\n"
    lines[9] = lines[9].replace(b',"', b',"\n', 1)
    archive = tmp_path / "images_2017_11.tar.gz"
    archive.write_bytes(pack([("2017_11/train/images.csv", b"".join(lines))], mode="w:gz"))
    assert run(tmp_path / "out", archive) == 3
    assert "1 of 61 lines is bad" in capsys.readouterr().err
    assert run(tmp_path / "out", archive, more=("--allow-partial", "--max-bad-share", "5%")) == 0
    (path,) = (helpers.version_of(tmp_path / "out") / "rejected").glob("*.avro")
    with path.open("rb") as file:
        (bad,) = fastavro.reader(file)
    assert bad["message"].startswith("2017_11/train/images.csv, line 6: ")
    assert bad["raw"] == lines[5] and bad["code"] == "wrong_columns"
    assert len(table(tmp_path / "out", "images")) == 59
    (row,) = helpers.manifest_of(tmp_path / "out")["shards"]
    assert (row["lines"], row["rejected"], row["conserved"]) == (61, 1, True)


def compressed(folder, loose):
    """The labels and boxes of the training set, each file compressed on its own."""
    folder = folder / "v3" / "train"
    folder.mkdir(parents=True)
    for path in (loose[0] / "train").glob("annotations*.csv"):
        packed = pa.compress(path.read_bytes(), "gzip", asbytes=True)
        (folder / f"{path.name}.gz").write_bytes(packed)
    return folder / "*.gz"


def assert_same_training_set(output, loose):
    for name in ("labels", "boxes"):
        alone = [row for row in table(loose[1], name) if row["split"] == "train"]
        assert as_set(table(output, name)) == as_set(alone)


@pytest.mark.long
def test_compressed_files_give_the_same(tmp_path, loose):
    assert run(tmp_path / "out", compressed(tmp_path, loose)) == 0
    assert_same_training_set(tmp_path / "out", loose)


@pytest.mark.soak
def test_processes_give_the_same(tmp_path, loose):
    more = ("--allow-partial", "--workers", "2")
    assert run(tmp_path / "out", compressed(tmp_path, loose), more=more) == 0
    assert_same_training_set(tmp_path / "out", loose)


@pytest.mark.soak
@pytest.mark.parametrize("records", [1, 4, 9])
def test_a_run_that_is_killed_resumes(packed, loose, tmp_path, records):
    """Killed when so many units are finished, over an archive and plain files read in turn."""
    output, folder = tmp_path / "out", loose[0]
    names = ("train/images.csv", "validation/images.csv", "train/annotations-machine.csv")
    inputs = [packed[0] / KINDS["annotations-human"], *(folder / name for name in names)]
    command = [sys.executable, "-m", "pipelines.open_images", "--output", str(output),
               "--allow-partial", "--unit-bytes", "1024", "--input", *map(str, inputs)]  # fmt: skip
    process = subprocess.Popen(command, cwd=helpers.ROOT, stdout=subprocess.DEVNULL)
    end = time.monotonic() + helpers.TIMEOUT_SECONDS
    while len(list(output.glob("units/*/record"))) < records and process.poll() is None:
        assert time.monotonic() < end
    process.kill()
    process.wait()
    finished = set(output.glob("units/*/record"))
    times = {path: path.stat().st_mtime_ns for path in finished}
    assert len(finished) >= records
    subprocess.run(command, cwd=helpers.ROOT, check=True, stdout=subprocess.DEVNULL)
    kept = [path for path in finished if path.exists() and path.stat().st_mtime_ns == times[path]]
    assert len(kept) == len(finished) < len(list(output.glob("units/*/record")))
    assert run(tmp_path / "other", *inputs, more=("--allow-partial", "--unit-bytes", "1024")) == 0
    assert helpers.version_of(output).name == helpers.version_of(tmp_path / "other").name
    for name in ("images", "labels", "label_frequencies"):
        assert table(output, name) == table(tmp_path / "other", name)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("images.csv", b"ImageID,OriginalURL\n1f,u\n", "neither its name nor a folder states"),
        ("v3-notes.csv", b"a,b\n", "its first line is not the header"),
        ("v1/a_2016_08.tar.gz", bz2.compress(b"x"), "corrupt, cut short or not what its name"),
    ],
)
def test_wrong_input_is_refused_with_the_remedy(tmp_path, name, content, message):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    release = ("--release", "v3") if "notes" in name else ()
    with pytest.raises(Exception, match=message):
        run(tmp_path / "out", path, more=release)


def test_names_are_as_long_as_it_takes():
    paths = [
        "/d/v2/train/images.csv",
        "/d/v3/train/images.csv",
        "/d/v3/test/images.csv",
        "/d/x.csv",
    ]
    assert list(shortest_names(paths).values()) == [
        "v2/train/images.csv", "v3/train/images.csv", "test/images.csv", "x.csv",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="differ only in the case"):
        shortest_names(["a/x.csv", "A/x.csv"])
