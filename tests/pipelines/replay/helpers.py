"""A shard of real, odd and bad lines, some of its bad ones repaired, and what comes of that."""

import json

from pipelines.replay.job import main
from tests import build_helpers as helpers
from transforms import storage

SHARD = helpers.ODD_AND_BAD.name
SMALL = ("--unit-bytes", 8192)
"""So that the sample has several units, of which only some hold bad lines."""

MOVED = ("byte_offset", "unit", "line_in_unit")
"""Columns that are others where a line before has another length."""


def replay(output, *more):
    return main([*map(str, ["--output", output, *more])])


def rejected(output):
    return helpers.rows_of(output, "rejected")


def repaired_lines(output, which=(0, 3, 5)):
    """Repairs by the place of the rejected line: a good line of the sample, of other images."""
    good = json.loads(helpers.ODD_AND_BAD.read_bytes().split(b"\n")[2])
    rows = rejected(output)
    return {
        rows[index]["byte_offset"]: json.dumps(good | {"image_id": f"repaired_{index}"})
        for index in which
    }


def write_rows(path, repairs, shard=SHARD):
    rows = [{"shard": shard, "byte_offset": offset, "raw": raw} for offset, raw in repairs.items()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def repair_in_place(data, repairs):
    """A shard's bytes with lines replaced, by a loop over its lines."""
    made, at = [], 0
    for line in data.split(b"\n"):
        made.append(repairs[at].encode() if at in repairs else line)
        at += len(line) + 1
    return b"\n".join(made)


def assert_same_but_for_places(output, other):
    assert helpers.statistics_of(output) == helpers.statistics_of(other)
    for table in ("narratives", "mentions", "discarded", "rejected"):
        found, expected = (
            helpers.rows_of(each, table) if (helpers.version_of(each) / table).exists() else []
            for each in (output, other)
        )
        assert helpers.without(found, *MOVED) == helpers.without(expected, *MOVED), table


def units_of(output):
    return set(storage.list_dir(str(output / "units")))
