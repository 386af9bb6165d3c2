"""The main job when something goes wrong: killed, overtaken, or with input that does not hold."""

import functools
import gzip
import json
import os
import re
import shutil
import signal
import sys
import threading

import pytest

from pipelines.build import job
from pipelines.build.job import plan_run
from pipelines.build.options import BuildOptions
from pipelines.cli.options import parse_command_line
from pipelines.runs import run
from tests import build_helpers as helpers
from tests.build_helpers import build
from tests.engines import jobs
from transforms.core.base.errors import WORKER_ENDED, ChangedError, UsageError
from transforms.core.model.units import Counts
from transforms.core.output.commit_records import decode_record, encode_record
from transforms.units.publishing import publish
from transforms.units.reading import blocks, read

UNIT_BYTES = 20_000
SHARDS = [helpers.GENERATED[0], helpers.ODD_AND_BAD, helpers.REAL]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A run that nobody kills."""
    output = tmp_path_factory.mktemp("undisturbed")
    assert build(output, SHARDS, "--unit-bytes", UNIT_BYTES) == 0
    return output


def started(output, *more):
    """The job as a process of its own, ended at the latest when the block ends."""
    return jobs.started(*helpers.arguments(output, SHARDS, "--unit-bytes", UNIT_BYTES, *more))


def record_files(output):
    return list((output / "units").glob("*/record"))


@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on_where_it_was(undisturbed, tmp_path, capsys, workers):
    with started(tmp_path, "--workers", workers) as run:
        helpers.wait_for(lambda: len(record_files(tmp_path)) >= 5 or run.process.poll() is not None)
        children = helpers.descendants(run.process.pid)
        os.kill(run.process.pid, signal.SIGKILL)  # workers are not killed: they notice
        run.wait()
        helpers.wait_for(lambda: not any(map(helpers.is_running, children)))
    assert bool(children) == (workers > 1)
    assert not (tmp_path / "CURRENT").exists() and not (tmp_path / "versions").exists()
    finished = helpers.records_of(tmp_path)
    units = helpers.records_of(undisturbed)
    assert 5 <= len(finished) < len(units)

    some_unit = tmp_path / "units" / min(finished)
    version = helpers.version_of(undisturbed).name
    for litter in (
        some_unit / "0123456789ab" / "narratives.parquet",  # an attempt that never committed
        some_unit / "record.0123.tmp",
        tmp_path / "units" / min(units.keys() - finished) / "0123456789ab" / "mentions.parquet",
        tmp_path / "versions" / f"{version}.0123456789ab.tmp" / "manifest.json",
    ):
        helpers.write_lines(litter, [b"cut sho"])

    assert build(tmp_path, SHARDS, "--unit-bytes", UNIT_BYTES) == 0
    assert f"; {len(finished)} more are finished already" in capsys.readouterr().out
    again = helpers.records_of(tmp_path)
    assert again.keys() == units.keys()
    assert {key: again[key] for key in finished} == finished  # not done again
    helpers.assert_nothing_abandoned(tmp_path)
    helpers.assert_whole(helpers.version_of(tmp_path))
    assert helpers.version_of(tmp_path).name == version
    helpers.assert_same_results(tmp_path, undisturbed)


@pytest.mark.soak
def test_a_run_goes_on_when_a_worker_is_killed(undisturbed, tmp_path):
    with started(tmp_path, "--workers", 2) as run:
        helpers.wait_for(lambda: len(record_files(tmp_path)) >= 5 or run.process.poll() is not None)
        finished = helpers.records_of(tmp_path)
        worker, other = helpers.descendants(run.process.pid)
        os.kill(worker, signal.SIGKILL)
        ended = run.wait(helpers.TIMEOUT_SECONDS)
        assert not helpers.is_running(other)
    assert ended.code == 0, ended.err
    assert ended.err.startswith(f"warning: {WORKER_ENDED}. Running again: unit '"), ended.err
    assert ended.err.count("\n") == 1
    assert finished.items() <= helpers.records_of(tmp_path).items()
    helpers.assert_same_results(tmp_path, undisturbed)
    helpers.assert_nothing_abandoned(tmp_path)


@pytest.mark.soak
def test_workers_that_are_stopped_with_the_run_say_nothing(tmp_path):
    with started(tmp_path, "--workers", 2) as run:
        helpers.wait_for(lambda: record_files(tmp_path) or run.process.poll() is not None)
        os.killpg(run.process.pid, signal.SIGINT)  # as a terminal does at Ctrl-C
        ended = run.wait(helpers.TIMEOUT_SECONDS)
    assert ended.code == 130
    assert "Stopped; the same command resumes" in ended.err, ended.err
    assert "sdk_worker" not in ended.err, ended.err


def test_a_run_that_is_overtaken_says_so(tmp_path, capsys):
    shards = [helpers.REAL]

    def overtake():
        helpers.wait_for(lambda: record_files(tmp_path))
        (tmp_path / "CURRENT").write_text("another\n")

    other = threading.Thread(target=overtake)
    other.start()
    assert build(tmp_path, shards, "--unit-bytes", UNIT_BYTES) == 4
    other.join()
    assert "error: another run published in the meantime" in capsys.readouterr().err
    assert (tmp_path / "CURRENT").read_text() == "another\n"
    (version,) = (tmp_path / "versions").iterdir()
    helpers.assert_whole(version)
    assert build(tmp_path, shards, "--unit-bytes", UNIT_BYTES) == 0
    assert helpers.version_of(tmp_path) == version


def assert_nothing_published(output):
    assert not (output / "CURRENT").exists()
    assert not list(output.glob("versions/*"))


def test_too_many_bad_lines_publish_nothing(tmp_path, capsys):
    arguments = ["--output", tmp_path, "--tagger", "none", "--input", *helpers.SHARDS]
    assert job.main([*map(str, arguments)]) == 3
    error = capsys.readouterr().err
    assert "error: 7 of 102 lines are bad (6.86%), above --max-bad-share 0.01" in error
    assert "odd_and_bad.jsonl, line 2: missing_key" in error
    assert_nothing_published(tmp_path)
    # raising the share publishes what was done, without reading again
    assert build(tmp_path, helpers.SHARDS) == 0
    assert "0 units pending; 4 more" in capsys.readouterr().out
    # a stricter share is not met by what is published either, but takes nothing away
    version = helpers.version_of(tmp_path)
    assert job.main([*map(str, arguments)]) == 3
    assert f"version {version.name} stays current" in capsys.readouterr().err
    assert helpers.version_of(tmp_path) == version


@pytest.mark.parametrize(
    ("counter", "change"),
    [("narratives", -1), ("lines", 1), ("blank", 1), ("discarded", 1)],
)
def test_a_record_that_loses_lines_publishes_nothing(tmp_path, capsys, counter, change):
    output = made_and_unpublished(tmp_path)
    path = record_files(output)[0]
    record = decode_record(path.read_bytes())
    of_lines = counter in ("lines", "blank")
    record.counts.add(Counts(**({counter: change} if of_lines else {"rows": {counter: change}})))
    path.write_bytes(encode_record(record))
    assert_not_conserved(output, tmp_path / "a.jsonl", capsys)


def test_a_record_that_loses_bytes_publishes_nothing(tmp_path, capsys):
    output = made_and_unpublished(tmp_path)
    path = record_files(output)[0]
    record = decode_record(path.read_bytes())
    record.bytes -= 1
    path.write_bytes(encode_record(record))
    assert_not_conserved(output, tmp_path / "a.jsonl", capsys)


def test_a_compressed_shard_without_its_end_publishes_nothing(tmp_path, capsys):
    shard = tmp_path / "a.jsonl.gz"
    shard.write_bytes(gzip.compress(b"".join(helpers.lines_of(helpers.REAL, 0, 1, 2, 3))))
    output = made_and_unpublished(tmp_path, shard)
    path = max(record_files(output))
    record = decode_record(path.read_bytes())
    assert record.last and len(record_files(output)) > 2
    record.last = False
    path.write_bytes(encode_record(record))
    assert_not_conserved(output, shard, capsys)


def made_and_unpublished(tmp_path, shard=None):
    """An output with finished units and no version."""
    if shard is None:
        shard = helpers.write_lines(tmp_path / "a.jsonl", helpers.lines_of(helpers.REAL, 0, 1))
    output = tmp_path / "out"
    assert build(output, [shard], "--unit-bytes", UNIT_BYTES) == 0
    (output / "CURRENT").unlink()
    shutil.rmtree(output / "versions")
    return output


def run_planned(options, beam_args, plan):
    """Runs a plan as the command does, some time after it was made."""
    stages = functools.partial(job.stages_of, options, plan)
    return run.run(options, beam_args, plan, stages, plan.publication, "test")


def assert_not_conserved(output, shard, capsys):
    assert build(output, [shard], "--unit-bytes", UNIT_BYTES) == 3
    error = capsys.readouterr().err
    assert error.startswith(f"error: the conservation law does not hold for {shard.name}:")
    assert_nothing_published(output)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_shard_that_is_cut_after_planning_publishes_nothing(tmp_path, suffix):
    lines = b"".join(helpers.lines_of(helpers.REAL))
    shard = tmp_path / f"a.jsonl{suffix}"
    shard.write_bytes(gzip.compress(lines) if suffix else lines)
    arguments = helpers.arguments(tmp_path / "out", [shard], "--unit-bytes", UNIT_BYTES)
    options, beam_args = parse_command_line(BuildOptions, arguments, "build", "")
    plan = plan_run(options, beam_args)
    os.truncate(shard, shard.stat().st_size // 2)
    with pytest.raises(ChangedError, match=f"'{shard}' was changed during the run: run the same"):
        run_planned(options, beam_args, plan)
    assert_nothing_published(tmp_path / "out")


def made(tmp_path):
    """A published version, and the file of narratives of its first unit."""
    shard = helpers.write_lines(tmp_path / "a.jsonl", helpers.lines_of(helpers.REAL, 0, 3))
    assert build(tmp_path / "out", [shard]) == 0
    (unit,) = (tmp_path / "out" / "units").iterdir()
    return shard, tmp_path / "out", unit


@pytest.mark.parametrize(
    "harm", ["manifest.json", pytest.param("narratives", marks=pytest.mark.long), "."]
)
def test_a_version_that_is_not_whole_is_published_again(tmp_path, harm):
    shard, output, _ = made(tmp_path)
    version = helpers.version_of(output)
    if harm == "manifest.json":
        (version / harm).write_text("{")
    else:
        shutil.rmtree(version / harm)
    assert build(output, [shard]) == 0
    assert helpers.version_of(output) == version
    helpers.assert_whole(version)


@pytest.mark.parametrize("pointer", ["", "\n", "nonsense\n"])
def test_a_pointer_to_nothing_is_mended(tmp_path, pointer):
    shard, output, _ = made(tmp_path)
    version = helpers.version_of(output)
    (output / "CURRENT").write_text(pointer)
    assert build(output, [shard]) == 0
    assert helpers.version_of(output) == version


@pytest.mark.parametrize("name", ["record", "narratives.parquet"])
def test_a_damaged_unit_is_removed_and_done_again(tmp_path, capsys, name):
    shard, output, unit = made(tmp_path)
    shutil.rmtree(output / "versions")
    (file,) = unit.rglob(name)
    data = file.read_bytes()
    file.write_bytes(data[:30] + bytes([data[30] ^ 1]) + data[31:])
    if name == "record":
        with pytest.raises(UsageError, match="run the same command again"):
            build(output, [shard])
    else:
        assert build(output, [shard]) == 4
        assert "run the same command again" in capsys.readouterr().err
    assert not unit.exists()
    assert build(output, [shard]) == 0
    helpers.assert_whole(helpers.version_of(output))


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_worker_with_other_code_does_no_unit(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(run, "deployment_version", lambda: "of another commit")
    with pytest.raises(
        UsageError, match="^a worker has other code than the command .* restart the workers$"
    ):
        build(tmp_path, [helpers.REAL], "--workers", workers)
    assert not list((tmp_path / "units").rglob("*")) and not (tmp_path / "CURRENT").exists()


def flip(path, at=-30):
    """Changes one bit of a file, and neither its size nor its times."""
    status, data = path.stat(), bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def damaged_version(output, harm):
    """Harms the current version's folder; returns what is put in its place."""
    version = helpers.version_of(output)
    beside = output.parent / "beside"
    if harm in ("file", "link"):
        version.rename(beside)
        version.write_text("") if harm == "file" else version.symlink_to(beside)
    elif harm == "manifest.json":
        flip(version / harm, 200)
    elif harm == "missing report":
        (version / "report.html").unlink()
    else:
        (file,) = (version / harm).glob("*.parquet") if "." not in harm else [version / harm]
        copy = file.read_bytes()
        file.unlink()  # else it is the unit's file too
        file.write_bytes(copy)
        flip(file)
        helpers.touch_later(file)
    return version


@pytest.mark.parametrize(
    "harm",
    ["file", "link", "manifest.json", "missing report", "report.html", "narratives", "richness"],
)
def test_a_damaged_version_is_rebuilt_by_the_next_run(tmp_path, harm):
    shard, output, unit = made(tmp_path)
    version = damaged_version(output, harm)
    before = helpers.files_below(unit)
    assert build(output, [shard]) == 0
    assert helpers.version_of(output) == version and not version.is_symlink()
    helpers.assert_whole(version)
    helpers.assert_nothing_abandoned(output)
    assert helpers.files_below(unit) == before
    if harm == "link":
        helpers.assert_whole(tmp_path / "beside")  # what it led to stays


def test_damage_that_changed_no_time_is_found_where_all_is_verified(tmp_path, capsys):
    shard, output, _ = made(tmp_path)
    version = helpers.version_of(output)
    flip(version / "report.html")
    assert build(output, [shard]) == 0
    assert capsys.readouterr().out.count("Nothing to do") == 1
    assert build(output, [shard], "--verify-output") == 0
    assert "Nothing to do" not in capsys.readouterr().out
    helpers.assert_whole(version)
    assert build(output, [shard], "--verify-output") == 0
    assert "Nothing to do" in capsys.readouterr().out
    flip(version / "richness" / "richness.parquet", 10)  # what the summary reads is always compared
    assert build(output, [shard]) == 0
    helpers.assert_whole(version)


def damaged_in_place(output):
    """Flips a bit of a file that the current version shares with a unit; returns the file."""
    file = helpers.version_of(output) / "narratives" / "narratives-00000.parquet"
    assert file.stat().st_nlink == 2
    flip(file)
    return file


def test_damage_of_a_version_and_its_units_is_healed_by_the_run_that_finds_it(tmp_path, capsys):
    shard, output, unit = made(tmp_path)
    before = helpers.files_below(unit)
    file = damaged_in_place(output)
    assert build(output, [shard]) == 0  # it has kept size and time: nothing to be seen
    assert "Nothing to do" in capsys.readouterr().out
    assert build(output, [shard], "--verify-output") == 0
    captured = capsys.readouterr()
    version = helpers.version_of(output)
    assert (
        f"warning: the current version, {version.name!r}, is damaged: '{file}' is missing or not "
        "what its manifest says. This run rebuilds the version"
    ) in captured.err
    assert "1 unit pending" in captured.out and "Nothing to do" not in captured.out
    helpers.assert_whole(version)
    assert helpers.files_below(unit) != before
    for more in ([], ["--verify-output"]):
        assert build(output, [shard], *more) == 0
        captured = capsys.readouterr()
        assert "Nothing to do" in captured.out and "damaged" not in captured.err


def test_damage_is_not_forgotten_when_the_run_that_found_it_ends_early(
    tmp_path, capsys, monkeypatch
):
    shard, output, _ = made(tmp_path)
    damaged_in_place(output)
    monkeypatch.setattr(run, "run", lambda *_: sys.exit(4))
    with pytest.raises(SystemExit):
        build(output, [shard], "--verify-output")
    monkeypatch.undo()
    assert build(output, [shard]) == 0
    assert "Nothing to do" not in capsys.readouterr().out
    helpers.assert_whole(helpers.version_of(output))


def test_damage_of_units_that_another_run_finds_is_known_of_the_version(tmp_path, capsys):
    shard, output, _ = made(tmp_path)
    damaged_in_place(output)
    other = helpers.write_lines(tmp_path / "b.jsonl", helpers.lines_of(helpers.REAL, 1))
    assert build(output, [shard, other]) == 4
    assert "1 finished unit(s) were corrupt and removed" in capsys.readouterr().err
    assert build(output, [shard]) == 0
    assert "is damaged: " in capsys.readouterr().err
    helpers.assert_whole(helpers.version_of(output))


def test_a_damaged_version_is_not_made_current_by_its_sizes(tmp_path):
    shard, output, _ = made(tmp_path)
    version = helpers.version_of(output)
    damaged_version(output, "narratives")
    (output / "CURRENT").unlink()
    assert build(output, [shard]) == 0
    helpers.assert_whole(version)


def test_a_pointer_that_is_no_text_is_mended(tmp_path, capsys):
    shard, output, _ = made(tmp_path)
    version = helpers.version_of(output)
    escapes = b"\x1b[2J" + bytes(200)
    for pointer in (b"\xff\xfe\xa0\n", b"\xa0", b"../../etc\n", escapes):
        (output / "CURRENT").write_bytes(pointer)
        assert build(output, [shard]) == 0
        assert helpers.version_of(output) == version
    assert (
        rf"warning: '{output}/CURRENT' names no version; it begins with '\x1b[2J\x00\x00"
    ) in capsys.readouterr().err


@pytest.mark.parametrize(
    "manifest",
    ["missing", "[]", "{}", '{"format": 0, "version": "a"}', '{"splits": [{}], "files": null}'],
)
def test_a_version_before_that_cannot_be_read_is_no_hindrance(tmp_path, capsys, manifest):
    shard, output, _ = made(tmp_path)
    before = helpers.version_of(output)
    if manifest == "missing":
        shutil.rmtree(before)
    else:
        (before / "manifest.json").write_text(manifest)
    helpers.write_lines(shard, helpers.lines_of(helpers.REAL, 1))
    assert build(output, [shard]) == 0
    warning = f"the manifest of the current version, {before.name!r}, is missing or corrupt"
    assert warning in capsys.readouterr().err
    assert warning in helpers.manifest_of(output)["warnings"][0]
    assert helpers.version_of(output) != before
    helpers.assert_whole(helpers.version_of(output))


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b"[[1, 2, 3]]", b"\xff", "flipped"])
def test_corrupt_counts_of_a_calibration_are_measured_again(tmp_path, capsys, content):
    shard = helpers.write_lines(tmp_path / "a.jsonl", helpers.lines_of(helpers.REAL, 0, 3))
    output, share = tmp_path / "out", ["--discard-share", "0.9"]
    assert build(output, [shard], *share) == 0
    assert "D of all narratives in 1 unit, to calibrate" in capsys.readouterr().out
    (counts,) = (output / "calibrations").iterdir()
    before = counts.read_bytes()
    if content == "flipped":  # the last digit of a number: JSON of the same form
        counts.write_bytes(before.replace(b"1]]", b"2]]"))
        assert counts.read_bytes() != before
    else:
        counts.write_bytes(content)
    assert build(output, [shard], *share) == 0
    assert counts.read_bytes() == before


BOXES = helpers.ROOT / "samples/open_images/validation/annotations-human-bbox.csv"


@pytest.mark.parametrize("harm", ["emptied", "flipped", "cut manifest", "flipped manifest"])
def test_a_corrupt_index_of_a_run_is_rebuilt(tmp_path, harm):
    output = tmp_path / "out"
    assert build(output, [helpers.REAL], "--boxes", BOXES) == 0
    version = helpers.version_of(output)
    (index,) = (output / "indexes").iterdir()
    before = {path.name: path.read_bytes() for path in index.iterdir()}
    file = next(index.glob("boxes-*")) if "manifest" not in harm else index / "index.json"
    if harm == "emptied":
        file.write_bytes(b"")
    elif harm == "cut manifest":
        os.truncate(file, file.stat().st_size // 2)
    else:
        flip(file, file.stat().st_size // 2)
    (output / "CURRENT").unlink()
    shutil.rmtree(output / "units")
    assert build(output, [helpers.REAL], "--boxes", BOXES) == 0
    assert {path.name: path.read_bytes() for path in index.iterdir()} == before
    assert helpers.version_of(output) == version


def test_a_corrupt_index_that_was_given_is_refused(tmp_path):
    output = tmp_path / "out"
    assert build(output, [helpers.REAL], "--boxes", BOXES) == 0
    (index,) = (output / "indexes").iterdir()
    flip(next(index.glob("boxes-*")))
    with pytest.raises(UsageError, match=f"{re.escape(str(index))}.* is corrupt: build it again"):
        build(tmp_path / "other", [helpers.REAL], "--annotations", index)


def test_links_below_an_output_are_not_followed(tmp_path):
    shard, output, unit = made(tmp_path)
    users = shutil.copytree(unit, tmp_path / "users")
    for name in ("0123456789ab/file", "precious"):
        helpers.write_lines(users / name, [b"precious"])
    before = helpers.files_below(users)
    shutil.rmtree(unit)
    unit.symlink_to(users)
    shutil.rmtree(output / "versions")
    assert build(output, [shard]) == 0
    assert helpers.files_below(users) == before
    assert not unit.is_symlink()
    helpers.assert_whole(helpers.version_of(output))


@pytest.mark.parametrize(
    "name", ["units", "versions", "runs", "indexes", "CURRENT.lock", "versions.lock"]
)
def test_a_link_in_the_place_of_an_outputs_folder_is_refused(tmp_path, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(tmp_path / "users")
    with pytest.raises(UsageError, match=f"{name}' is a link, and links below .* remove it"):
        build(tmp_path / "out", [helpers.REAL])
    assert not (tmp_path / "users").exists()


def test_files_of_others_in_a_units_folder_stay(tmp_path):
    shard, output, unit = made(tmp_path)
    note = helpers.write_lines(unit / "notes.txt", [b"mine"])
    flip(next(unit.rglob("narratives.parquet")))
    shutil.rmtree(output / "versions")
    assert build(output, [shard]) == 4
    assert note.read_bytes() == b"mine" and not (unit / "record").exists()
    assert build(output, [shard]) == 0
    assert note.read_bytes() == b"mine"


def replace(path, data, status):
    """Puts another file of the same size and time in its place."""
    other = path.with_name("other")
    other.write_bytes(data)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("moment", ["after planning", "while it is read", "before publishing"])
def test_an_input_that_is_replaced_by_one_of_its_size_and_time_is_not_published(
    tmp_path, monkeypatch, moment
):
    lines = helpers.lines_of(helpers.REAL, 0, 1)
    shard = helpers.write_lines(tmp_path / "a.jsonl", lines)
    status = shard.stat()
    arguments = helpers.arguments(tmp_path / "out", [shard], "--unit-bytes", UNIT_BYTES)
    options, beam_args = parse_command_line(BuildOptions, arguments, "build", "")
    plan = plan_run(options, beam_args)
    owner, name = {
        "after planning": (read, "read_unit"),
        "while it is read": (blocks, "read_block"),
        "before publishing": (publish, "publish_version"),
    }[moment]
    real = getattr(owner, name)

    def replacing(*given):
        replace(shard, b"".join(reversed(lines)), status)
        return real(*given)

    monkeypatch.setattr(owner, name, replacing)
    with pytest.raises(ChangedError, match=f"'{shard}' was changed during the run: run the same"):
        run_planned(options, beam_args, plan)
    assert_nothing_published(tmp_path / "out")


def test_the_json_summary_says_whether_a_retry_can_help(tmp_path, monkeypatch, capsys):
    """Exit codes stay: an input that changes is no wrong use, and another attempt reads it."""
    shard = helpers.write_lines(tmp_path / "a.jsonl", helpers.lines_of(helpers.REAL, 0, 1))
    status, real = shard.stat(), read.read_unit

    def replacing(*given):
        replace(shard, shard.read_bytes()[::-1], status)
        return real(*given)

    with monkeypatch.context() as patched:
        patched.setattr(read, "read_unit", replacing)
        with pytest.raises(ChangedError):
            build(tmp_path / "out", [shard], "--summary", "json")
    made = json.loads(capsys.readouterr().out)
    assert (made["status"], made["exit_code"], made["retryable"]) == ("input_changed", 2, True)
    with pytest.raises(UsageError):
        build(tmp_path / "out", [tmp_path / "none.jsonl"], "--summary", "json")
    made = json.loads(capsys.readouterr().out)
    assert (made["status"], made["exit_code"], made["retryable"]) == ("wrong_use", 2, False)
    assert build(tmp_path / "out", [helpers.ODD_AND_BAD], "--max-bad-share", 0, "--summary",
                 "json") == 3  # fmt: skip
    assert json.loads(capsys.readouterr().out)["retryable"] is False


def test_a_copy_of_a_shard_with_its_time_has_the_same_units(tmp_path):
    """The inode tells changes during a run only: results are used again across copies."""
    shard, output, unit = made(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    copy = shutil.copy2(shard, tmp_path / "elsewhere" / shard.name)
    before = helpers.files_below(output / "units")
    assert build(output, [copy]) == 0
    assert helpers.files_below(output / "units") == before


def test_an_identical_run_takes_no_version_from_its_readers(tmp_path, monkeypatch):
    """A second run found no complete version, and publishes while the first one's is read."""
    shard, output, _ = made(tmp_path)
    version = helpers.version_of(output)
    inode = version.stat().st_ino
    real, asked = publish.is_complete, []

    def first_seen_as_missing(folder):
        asked.append(folder)
        assert version.stat().st_ino == inode
        return len(asked) > 1 and real(folder)

    monkeypatch.setattr(publish, "is_complete", first_seen_as_missing)
    (output / "CURRENT").unlink()
    assert build(output, [shard]) == 0
    assert version.stat().st_ino == inode and len(asked) > 1
    helpers.assert_whole(version)
    helpers.assert_nothing_abandoned(output)
