"""Checks before anything is read: is it there, is it narratives, can the output be written?"""

import difflib
import re
from collections.abc import Sequence

from pipelines.catalog import Catalog
from pipelines.runs.contents import refuse_below
from transforms import storage
from transforms.core.base.errors import UsageError, shown
from transforms.core.model.units import Unit
from transforms.core.sources import foreign
from transforms.core.sources.narratives.heads import HEAD_BYTES, why_not_narratives
from transforms.storage.files import FileInfo

_NAME = re.compile(r"[\w -]+")


def input_patterns(given: Sequence[str], catalog: Catalog) -> list[str]:
    """Files and patterns of what is given: names of the catalog stand for their files.

    Raises:
      UsageError: What looks like a name of the catalog is neither that nor a file, or a file
        that the name stands for is missing.
    """
    patterns = []
    for name in given:
        if name in catalog.groups:
            patterns += _files_of(name, catalog)
        elif _NAME.fullmatch(name) and not storage.exists(name):
            raise UsageError(_unknown_name(name, catalog))
        else:
            patterns.append(name)
    return patterns


def _files_of(name: str, catalog: Catalog) -> list[str]:
    files = catalog.files(name)
    missing = sorted(set(files) - storage.existing(files))
    if missing:
        raise UsageError(
            f"`{name}` of the catalog stands for {shown(missing[0])!r}, which is not there: "
            f"fetch it with `narratives fetch {name}`, name the folder that has it with --data, or "
            "give --input the path at which you have it"
        )
    return files


def _unknown_name(name: str, catalog: Catalog) -> str:
    plain = re.sub(r"[ -]+", "_", name).lower()
    close = difflib.get_close_matches(plain, catalog.groups, n=1, cutoff=0.6)
    remedy = f"did you mean `{close[0]}`?" if close else "check the path"
    return f"there is no file {shown(name)!r} and no such name in the catalog: {remedy}"


def check_inputs(files: Sequence[FileInfo], output: str) -> None:
    """Looks where the input files are and how they begin.

    Raises:
      UsageError: A file is below the output folder, is an empty compressed one, or is plainly of
        another kind.
    """
    refuse_below(files, output)
    for file in files[: foreign.MOST_FILES]:
        if problem := _problem_of_kind(file):
            raise UsageError(f"--input: {file.path!r} is {problem}")


def _problem_of_kind(file: FileInfo) -> str | None:
    with storage.open_decompressed(file.path) as stream:
        kind = foreign.recognise(stream.read(foreign.HEAD_BYTES))
    if kind in (None, foreign.NARRATIVES):
        return None
    plain = re.sub(r"(\.gz|\.zst)$", "", file.name)
    if kind == foreign.CAPTIONS and plain.endswith("_captions.jsonl"):
        return None
    return f"{kind.title}, not a file of narratives: {kind.remedy}"


def check_heads(units: Sequence[Unit], max_bad_share: float) -> None:
    """Looks at the first lines of the shards that are to be read from their beginning, as they are.

    Raises:
      UsageError: None of them is a narrative, and not all lines may be bad.
    """
    if max_bad_share == 1:
        return
    firsts = [unit for unit in units if unit.index == 0 and not unit.repairs]
    for unit in firsts[: foreign.MOST_FILES]:
        with storage.open_decompressed(unit.path, unit.fingerprint) as stream:
            problem = why_not_narratives(stream.read(HEAD_BYTES), unit.dialect)
        if problem:
            raise UsageError(
                f"--input: {unit.path!r}: {problem}; give files of narratives, or "
                "--max-bad-share 1 to have all its lines in the table `rejected`"
            )
