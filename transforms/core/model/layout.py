"""Where things lie below an output folder.

OUT/CURRENT                         name of the current version
OUT/{CURRENT,versions,PRUNING,RUNNING}.lock  held while one of these is written
OUT/versions/ID/TABLE/*.parquet     a version's tables (rejected: *.avro)
OUT/versions/ID/{manifest.json,report.html,README.md}
OUT/units/KEY/record                a finished unit's commit record
OUT/units/KEY/ATTEMPT/…             the files that it names: of tables, and set aside for statistics
OUT/units/KEY/ATTEMPT.begun         an attempt at the unit, until it ends or its worker dies
OUT/runs/ID.json                    a run that has ended, and how
OUT/runs/ID.begin.json              a run that has begun, until it ends
OUT/PINNED                          name of the version that stays current until it is unpinned
OUT/RUNNING                         the run that works on the output, and until when
OUT/PRUNING                         what is being removed, until when
OUT/tags/NAME                       the version that has the tag
OUT/repairs/NAME                    lines that stand in the place of rejected ones
OUT/checksums/KEY.json              what was found of an input file's content by reading it
OUT/lists/KEY/*.jsonl               the images of a version, which job `images` reads
OUT/pictures/SIZE/XY/*              pictures of its versions, where each is a file
"""

import re

CURRENT = "CURRENT"
PINNED = "PINNED"
PRUNING = "PRUNING"
LEASE = "RUNNING"
TAGS = "tags"
VERSIONS = "versions"
UNITS = "units"
RUNS = "runs"
INDEXES = "indexes"
CHECKSUMS = "checksums"
REPAIRS = "repairs"
LISTS = "lists"
PICTURES = "pictures"
RECORD = "record"
MANIFEST = "manifest.json"
REPORT = "report.html"
CARD = "README.md"


LOCKS = tuple(f"{name}.lock" for name in (CURRENT, VERSIONS, PRUNING, LEASE))
"""Files that runs on one disk lock; they hold nothing."""

FOLDERS = (VERSIONS, UNITS, RUNS, INDEXES, CHECKSUMS, TAGS, REPAIRS, LISTS, PICTURES)
"""What an output folder holds beside its pointer."""

_VERSION = re.compile("[0-9a-f]{16}")
_UNFINISHED_VERSION = re.compile(r"[0-9a-f]{16}\.[0-9a-f]{12}\.tmp")
_BEGUN_ATTEMPT = re.compile(r"[0-9a-f]{12}\.begun")
_OF_UNIT = re.compile(rf"[0-9a-f]{{12}}|([0-9a-f]{{12}}\.begun|{RECORD})(\.[0-9a-f]+\.tmp)?")


def is_version(name: str) -> bool:
    """Whether a version can have the name."""
    return bool(_VERSION.fullmatch(name))


def is_unfinished_version(name: str) -> bool:
    """Whether a folder of the name was to become a version, or was set aside as a corrupt one."""
    return bool(_UNFINISHED_VERSION.fullmatch(name))


def is_of_unit(name: str) -> bool:
    """Whether runs put something of the name into a unit's folder, complete or not.

    >>> [is_of_unit(f"0123456789ab{end}") for end in ("", ".begun", ".begun.c0ffee.tmp", ".txt")]
    [True, True, True, False]
    """
    return bool(_OF_UNIT.fullmatch(name))


def run_path(run: str) -> str:
    """The record of a run that has ended, below the output."""
    return f"{RUNS}/{run}.json"


def begun_path(run: str) -> str:
    """The record of a run that has not ended, below the output."""
    return f"{RUNS}/{run}.begin.json"


def unit_folder(key: str) -> str:
    """A unit's folder, below the output."""
    return f"{UNITS}/{key}"


def record_path(key: str) -> str:
    """A unit's commit record, below the output."""
    return f"{UNITS}/{key}/{RECORD}"


def unit_of(path: str) -> tuple[str, str]:
    """The output folder and the unit's key, of the path of a unit's commit record."""
    output, _, key, _ = path.rsplit("/", 3)
    return output, key


def attempt_folder(key: str, attempt: str) -> str:
    """The files of one attempt at a unit, below the output."""
    return f"{UNITS}/{key}/{attempt}"


def begun_attempt_path(key: str, attempt: str) -> str:
    """The mark of an attempt that has begun and not ended, below the output."""
    return f"{UNITS}/{key}/{attempt}.begun"


def is_begun_attempt(name: str) -> bool:
    """Whether a file of the name in a unit's folder marks an attempt."""
    return bool(_BEGUN_ATTEMPT.fullmatch(name))


def checksum_path(key: str) -> str:
    """What was found of an input file's content, below the output."""
    return f"{CHECKSUMS}/{key}.json"


def repairs_path(name: str) -> str:
    """A file of repairs, below the output; they come in the order of their names."""
    return f"{REPAIRS}/{name}"


def version_folder(version: str) -> str:
    """A version's folder, below the output."""
    return f"{VERSIONS}/{version}"


def version_file(table: str, position: int, file: str) -> str:
    """A unit's file of a table in a version: by the unit's position, in order of shard and byte.

    Not by the shard's name: readers of folders skip names such as `_x`, and Hugging Face's
    `datasets` takes words such as `train` or `val` in any file's name for its split.

    Args:
      table: The table's name.
      position: The unit's.
      file: The unit's own file, whose ending it keeps.

    >>> version_file("narratives", 7, "units/a/1/narratives.parquet")
    'narratives/narratives-00007.parquet'
    """
    ending = file.rpartition("/")[2].partition(".")[2]
    return f"{table}/{table}-{position:05d}.{ending}"
