"""Outputs with several versions, and the commands about them in this process."""

import json
import os
import shutil

from pipelines.build.job import main as build_main
from pipelines.versions.commands import main
from tests import build_helpers as helpers

UNIT_BYTES = 100_000


def build(output, shards, *more):
    """Makes a version of small units; returns the exit code."""
    return helpers.build(output, shards, "--unit-bytes", UNIT_BYTES, *more)


def build_guarded(output, shards, *more):
    arguments = helpers.arguments(output, shards, "--guard", "--unit-bytes", UNIT_BYTES, *more)
    return build_main(arguments)


def versions(output, *arguments):
    """Calls a command; returns the exit code."""
    return main([*map(str, arguments), "--output", str(output)])


def as_json(capsys, output, *arguments):
    """Calls a command; returns its exit code and what it prints as JSON."""
    capsys.readouterr()
    code = versions(output, *arguments, "--format", "json")
    return code, json.loads(capsys.readouterr().out)


def states(capsys, output):
    """Versions by their states, in the order of the list."""
    _, found = as_json(capsys, output, "list")
    return [(version["version"], version["state"]) for version in found["versions"]]


def make_two(output):
    """Two versions: of the real shard, then of all generated ones too; returns their names."""
    names = []
    for shards in ([helpers.REAL], [helpers.REAL, *helpers.GENERATED]):
        assert build(output, shards) == 0
        names.append(helpers.version_of(output).name)
    return names


def copy_output(original, copy):
    """A copy of an output in which versions are linked to units as they are in it; returns it."""
    shutil.copytree(original, copy)
    first = {}
    for path in sorted(path for path in original.rglob("*") if path.is_file()):
        place = copy / path.relative_to(original)
        other = first.setdefault(path.stat().st_ino, place)
        if other != place:
            place.unlink()
            os.link(other, place)
    return copy
