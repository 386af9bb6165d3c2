"""`list`, `show`, `rollback`, `unpin`, `release`, `tag`: versions on a disk, made by the job."""

import json
import shutil

import pytest

from pipelines.__main__ import main as narratives
from pipelines.cli.options import Command, Options
from pipelines.versions.commands import COMMANDS, main
from tests import build_helpers as helpers
from tests.pipelines.versions.helpers import (
    as_json,
    build,
    build_guarded,
    states,
    versions,
)
from transforms import storage
from transforms.core.base.errors import ChangedError, UsageError
from transforms.units import runs
from transforms.versions import pointing
from transforms.versions.survey import is_tag, read_survey

BOTH = [helpers.REAL, *helpers.GENERATED]


def test_the_list_tells_what_each_version_is(output, names, capsys):
    old, new = names
    code, found = as_json(capsys, output, "list")
    assert code == 0 and (found["current"], found["pinned"], found["tags"]) == (new, None, {})
    by_name = {version["version"]: version for version in found["versions"]}
    assert [by_name[name]["state"] for name in (new, old)] == ["current", "previous"]
    manifest = helpers.manifest_of(output)
    assert by_name[new]["narratives"] == manifest["counts"]["narratives"] == 82
    assert by_name[new]["rows"]["narratives"] == 82 and by_name[new]["previous"] == old
    assert by_name[new]["inputs"] == [row["shard"] for row in manifest["inputs"]]
    assert by_name[new]["code"] == manifest["code"]
    assert by_name[new]["bytes"] == sum(
        row["bytes"] for row in [*manifest["files"], *manifest["pages"]]
    )
    assert versions(output, "list") == 0
    text = capsys.readouterr().out
    assert f"2 versions, current {new}" in text
    assert [line.split()[:2] for line in text.splitlines()[3:]] == [
        [new, "current"], [old, "previous"]
    ]  # fmt: skip


def test_one_version_is_shown_by_any_of_its_names(output, names, capsys):
    old, new = names
    assert versions(output, "tag", old, "paper-2026") == 0
    for text, name in (
        (old, old), (old[:4], old), ("previous", old), ("paper-2026", old), ("current", new)
    ):  # fmt: skip
        code, found = as_json(capsys, output, "show", text)
        assert (code, found["version"]) == (0, name)
        manifest = json.loads((output / "versions" / name / "manifest.json").read_text())
        assert found["manifest"] == manifest
    assert versions(output, "show", "previous") == 0
    text = capsys.readouterr().out
    assert "22 narratives" in text and helpers.REAL.name in text and "paper-2026" in text


@pytest.mark.parametrize("text", ["abc", "0" * 16, "nothing", "zzzz", ""])
def test_a_version_that_is_not_there_is_named(output, text):
    with pytest.raises(UsageError, match="there is no version|the value is empty"):
        versions(output, "show", text)


def test_a_rollback_stays_until_it_is_unpinned(output, names, capsys):
    old, new = names
    assert versions(output, "rollback", "previous") == 0
    assert f"Version {old} is current and pinned" in capsys.readouterr().out
    assert helpers.version_of(output).name == old
    assert (output / "PINNED").read_text() == f"{old}\n"
    for _ in range(2):  # every run says so, also one that finds all units finished
        assert build(output, BOTH) == 3
        error = capsys.readouterr().err
        assert f"the output is pinned to version {old}: version {new} is complete" in error
        assert "`python -m pipelines.versions` with `unpin`" in error
        assert f"with `release {new}`" in error
        assert helpers.version_of(output).name == old
    assert build(output, [helpers.REAL], "--summary", "text") == 0  # what is pinned is unchanged
    assert "The output is pinned to it." in capsys.readouterr().out
    assert versions(output, "unpin") == 0
    assert helpers.version_of(output).name == old and not (output / "PINNED").exists()
    assert build(output, BOTH) == 0
    assert helpers.version_of(output).name == new
    with pytest.raises(UsageError, match="no version is pinned"):
        versions(output, "unpin")


def test_a_run_on_a_pinned_output_makes_its_version_for_later(output, names, capsys):
    assert versions(output, "rollback", names[1]) == 0  # to the current one: it stays
    capsys.readouterr()
    assert build(output, [*BOTH, helpers.ODD_AND_BAD], "--summary", "json") == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["status"], found["exit_code"], found["retryable"]) == ("pinned", 3, False)
    made = found["version"]
    assert helpers.version_of(output).name == names[1]
    helpers.assert_whole(output / "versions" / made)
    assert (made, "held") in states(capsys, output)
    with pytest.raises(UsageError, match=f"pinned to version {names[1]}: `unpin` it first"):
        versions(output, "release", made)
    assert versions(output, "unpin") == 0 and versions(output, "release", made) == 0
    assert helpers.version_of(output).name == made
    assert dict(states(capsys, output)) == {
        made: "current", names[0]: "previous", names[1]: "previous"
    }  # fmt: skip


def test_a_version_that_was_held_back_is_released(tmp_path, capsys):
    output = tmp_path / "out"
    assert build_guarded(output, BOTH) == 0
    whole = helpers.version_of(output).name
    assert build_guarded(output, [helpers.REAL]) == 3
    code, found = as_json(capsys, output, "list")
    (held,) = [version for version in found["versions"] if version["state"] == "held"]
    assert "the number of narratives fell by 60" in held["why"]
    assert versions(output, "release", held["version"]) == 0
    assert f"before it was {whole}" in capsys.readouterr().out
    assert helpers.version_of(output).name == held["version"]
    assert dict(states(capsys, output)) == {held["version"]: "current", whole: "previous"}


def test_a_corrupt_version_does_not_become_current(output, names):
    (path,) = (output / "versions" / names[0] / "richness").iterdir()
    helpers.flip_bit(path, 100)
    for command in ("rollback", "release"):
        with pytest.raises(
            UsageError, match=f"richness.parquet'.*`verify {names[0]}` with option `repair`"
        ):
            versions(output, command, names[0])
    assert helpers.version_of(output).name == names[1] and not (output / "PINNED").exists()
    assert not list((output / "runs").glob("*.begin.json"))


def test_a_version_that_is_being_removed_does_not_become_current(output, names, monkeypatch):
    removed = runs.Pruning(until=2e12, versions=[names[0]], units=[], indexes=[])
    monkeypatch.setattr(pointing, "read_pruning", lambda output: removed)
    for command in (["rollback"], ["release"], ["tag"]):
        more = ["name"] if command == ["tag"] else []
        with pytest.raises(ChangedError, match=f"`prune` is removing version {names[0]}"):
            versions(output, *command, names[0], *more)
    assert helpers.version_of(output).name == names[1]
    assert not (output / "PINNED").exists() and read_survey(str(output)).tags == {}


def test_a_missing_current_version_is_told_and_mended(output, names, capsys):
    shutil.rmtree(output / "versions" / names[1])
    assert versions(output, "list") == 0
    assert "The current version is missing: `rollback ID`" in capsys.readouterr().out
    assert versions(output, "rollback", names[0]) == 0
    assert helpers.version_of(output).name == names[0]


def test_an_interrupted_rollback_is_told_and_ended_by_the_same_command(output, names, capsys):
    storage.write_bytes(str(output / "PINNED"), f"{names[0]}\n".encode())
    assert versions(output, "list") == 0
    assert f"Pinned to {names[0]}, which is not current" in capsys.readouterr().out
    assert build(output, [*BOTH, helpers.ODD_AND_BAD]) == 3
    assert helpers.version_of(output).name == names[1]
    assert versions(output, "rollback", names[0]) == 0
    assert helpers.version_of(output).name == names[0]


@pytest.mark.parametrize("command", ["rollback", "release"])
def test_previous_is_what_it_was_for_a_command_that_was_interrupted(
    output, names, monkeypatch, command
):
    """It was killed after it moved the pointer, before it could say so."""
    with monkeypatch.context() as patched:
        patched.setattr(pointing, "write_end", lambda *_: None)
        assert versions(output, command, "previous") == 0
    assert helpers.version_of(output).name == names[0]
    assert versions(output, command, "previous") == 0
    assert helpers.version_of(output).name == names[0]
    if command == "rollback":
        assert versions(output, "unpin") == 0
    assert versions(output, command, "previous") == 0  # that was the end of it
    assert helpers.version_of(output).name == names[1]


def test_tags_are_given_and_taken(output, names, capsys):
    old, new = names
    assert versions(output, "tag", "previous", "paper") == 0
    assert versions(output, "tag", old, "paper") == 0  # again the same
    with pytest.raises(UsageError, match=f"version {old} has the tag 'paper': `untag paper` first"):
        versions(output, "tag", "current", "paper")
    assert read_survey(str(output)).tags == {"paper": old}
    assert versions(output, "untag", "paper") == 0
    assert versions(output, "tag", "current", "paper") == 0
    assert read_survey(str(output)).tags == {"paper": new}
    with pytest.raises(UsageError, match="there is no tag 'papers'; there is: paper"):
        versions(output, "untag", "papers")


@pytest.mark.parametrize(
    ("name", "right"),
    [("v1.0", True), ("paper-2026_a", True), ("a" * 64, True), ("a" * 65, False), ("-a", False),
     ("a/b", False), ("..", False), (".a", False), ("current", False), ("previous", False),
     ("abcd", False), ("0123456789abcdef", False), ("x.tmp", False), ("ä", False), ("a b", False)],
)  # fmt: skip
def test_what_a_tag_may_be_called(output, name, right):
    assert is_tag(name) == right
    if not right:
        with pytest.raises(UsageError, match="no tag can be called|the value is empty"):
            main(["tag", "--output", str(output), "--", "current", name])


def test_an_output_without_versions_is_told(tmp_path):
    with pytest.raises(UsageError, match="holds no version: check the path, or make one with"):
        versions(tmp_path, "list")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing was given to do: `python -m pipelines.versions --help` lists the commands"),
        (["lits"], "there is no command 'lits'; did you mean `list`?"),
        (["xyz"], "there is no command 'xyz': give one of list, show, verify"),
        (["list"], "nothing was given to work on"),
        (["show", "--output", "out"], "`ID`: must be given"),
        (["tag", "abcd", "--output", "out"], "`NAME`: must be given"),
        (["list", "--outptu", "out"], "unknown flag `--outptu`; did you mean `--output`?"),
        (["list", "--runner", "local", "--output", "o"], "unknown flag `--runner`"),
        (["list", "more", "--output", "out"], "unexpected argument `more`"),
        (["list", "--output", "out", "--format", "xml"], "must be 'text' or 'json'"),
    ],
)
def test_wrong_use_is_a_sentence(arguments, message):
    with pytest.raises(UsageError) as error:
        main(arguments)
    assert message in str(error.value)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    command = COMMANDS[name]
    assert issubclass(command.options, Command) and not issubclass(command.options, Options)
    with pytest.raises(SystemExit) as end:
        narratives(["versions", name, "--help"])
    assert end.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    places = [command.options.model_fields[place] for place in command.options.places]
    assert text.startswith(f"usage: narratives versions {name} ") and "Beam" not in text
    assert command.summary in text and "Exit codes: 0 " in text
    for field in places or command.options.model_fields.values():
        assert " ".join(field.description.split()) in text


def test_the_help_lists_all_commands(capsys):
    assert narratives(["versions", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: narratives versions COMMAND ")
    listed = [line.split()[0] for line in text.splitlines() if line.startswith("  ")]
    assert listed == list(COMMANDS)
