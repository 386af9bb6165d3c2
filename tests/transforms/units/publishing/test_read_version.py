"""What is read of published versions of other formats, and what the next run does with them."""

import json

import pytest

from tests import build_helpers as helpers
from transforms.collections.narratives.publication import read_baseline
from transforms.core.base.errors import UsageError
from transforms.core.base.versions import digest
from transforms.core.model.manifest import FORMAT, NewerFormatError
from transforms.core.model.narratives.manifest import BuildManifest
from transforms.units.publishing.read_version import read_complete, read_manifest


def rewrite(output, **changes):
    """Changes entries of the current version's manifest, and seals it; None removes one."""
    path = helpers.version_of(output) / "manifest.json"
    values = json.loads(path.read_text()) | changes
    rest = {name: value for name, value in values.items() if name != "seal" and value is not None}
    path.write_text(json.dumps(rest | {"seal": digest(rest)}))
    return str(path.parent)


@pytest.fixture
def made(tmp_path):
    """A shard, and an output whose current version is of its first two lines."""
    shard = helpers.write_lines(tmp_path / "a.jsonl", helpers.lines_of(helpers.REAL, 0, 3))
    assert helpers.build(tmp_path / "out", [shard]) == 0
    return shard, tmp_path / "out"


def test_a_version_of_this_format_is_read(made):
    _, output = made
    folder = str(helpers.version_of(output))
    manifest = read_complete(folder, kind=BuildManifest)
    assert manifest == read_manifest(folder, BuildManifest)
    assert manifest == read_complete(folder, True, BuildManifest)
    assert read_manifest(folder).units == manifest.units
    assert manifest.version == helpers.version_of(output).name
    assert read_baseline(folder).counts.narratives == manifest.counts.narratives == 2


def test_a_version_of_a_newer_program_stops_the_run(made):
    shard, output = made
    folder = rewrite(output, format=FORMAT + 1)
    for read in (read_manifest, read_complete, read_baseline):
        with pytest.raises(
            NewerFormatError, match="was written by a newer version of this program"
        ):
            read(folder)
    before = helpers.files_below(output / "versions")
    for lines in (helpers.lines_of(helpers.REAL, 0, 3), helpers.lines_of(helpers.REAL, 1, 2)):
        helpers.write_lines(shard, lines)
        with pytest.raises(UsageError, match=r"manifest.json: was written by a newer .*: upgrade"):
            helpers.build(output, [shard])
    assert helpers.files_below(output / "versions") == before


@pytest.mark.parametrize("changes", [{"format": FORMAT - 1}, {"units": None}], ids=str)
def test_a_version_of_an_older_program_is_made_again(made, changes):
    shard, output = made
    folder = rewrite(output, **changes)
    assert read_complete(folder) is None
    with pytest.raises(UsageError, match="make the version again"):
        read_manifest(folder)
    assert helpers.build(output, [shard]) == 0
    assert str(helpers.version_of(output)) == folder
    helpers.assert_whole(helpers.version_of(output))
    assert read_complete(folder, thorough=True).format == FORMAT


def test_a_version_of_an_older_program_is_compared_with(made, capsys):
    shard, output = made
    rewrite(output, format=FORMAT - 1, splits=None, pages=None)
    helpers.write_lines(shard, helpers.lines_of(helpers.REAL, 1))
    arguments = [word for word in helpers.arguments(output, [shard]) if word != "--no-guard"]
    assert helpers.main(arguments) == 3
    assert "the number of narratives fell by 1 from the 2" in capsys.readouterr().err
