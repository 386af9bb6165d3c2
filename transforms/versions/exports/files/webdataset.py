"""For WebDataset: tar files of samples, a sample a narrative."""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self

import msgspec

from transforms.core.base.errors import option
from transforms.core.model.manifest_entries import PageFile, TableFile
from transforms.core.output.exports.webdataset import (
    COLUMNS,
    describe_narrative,
    narrative_key,
    shard_list,
)
from transforms.core.report.page.formats import plural
from transforms.core.stages.fetch.pictures.tar_files import BLOCK, END, write_member
from transforms.versions.exports.files.folder import ExportFolder, FileInWriting
from transforms.versions.exports.files.pictures import Picture, PictureSource, missing_note
from transforms.versions.exports.files.rows import (
    mentions_of,
    name_of_split,
    own_mentions,
    rows_with_pictures,
)
from transforms.versions.exports.files.target import PARTS, Completion, Part
from transforms.versions.exports.version import ExportedVersion

_FORMAT = 1
_MISSING = "missing.jsonl"


@dataclasses.dataclass(frozen=True)
class WebDatasetFiles:
    """Shards with pictures, captions and all else as JSON: a `FileWriter`.

    Attributes:
      version: What is exported.
      pictures: Where pictures are from; None for samples without.
      shard_bytes: Size that a shard does not exceed, unless by its only sample.
    """

    version: ExportedVersion
    pictures: PictureSource | None
    shard_bytes: int
    name: ClassVar[str] = "webdataset"

    @property
    def settings(self) -> dict[str, Any]:
        """As of `FileWriter`."""
        pictures = self.pictures.fingerprint if self.pictures else None
        return {"format": _FORMAT, "pictures": pictures, "shard_bytes": self.shard_bytes}

    def check(self) -> None:
        """As of `FileWriter`."""

    def write(self, file: TableFile, folder: ExportFolder) -> Part:
        """As of `FileWriter`: mentions are read with the narratives that they are of."""
        if file.table != "narratives":
            return Part(files=[])
        mentions = mentions_of(self.version, file)
        number = file.path.rpartition("-")[2].partition(".")[0]
        missing = folder.new_file(f"{PARTS}/{file.path}.missing.jsonl")
        with missing as listed, _Shards(folder, number, self.shard_bytes) as shards:
            rows = rows_with_pictures(self.version, file, COLUMNS, self.pictures)
            for row, picture in rows:
                data = picture.read() if picture else None
                if self.pictures is not None and data is None:
                    listed.write(_missing(row))
                else:
                    shards.add(row, own_mentions(mentions, row), picture, data)
        return Part(
            files=[*(shard for _, _, shard in shards.done), listed.listed],
            more={"shards": [[split, samples] for split, samples, _ in shards.done]},
        )

    def complete(self, parts: Sequence[tuple[TableFile, Part]], folder: ExportFolder) -> Completion:
        """As of `FileWriter`."""
        shards: dict[str, list[tuple[str, int, int]]] = {}
        for _, part in parts:
            for (split, samples), file in zip(
                part.more.get("shards", ()), part.files, strict=False
            ):
                shards.setdefault(split, []).append((file.path, samples, file.bytes))
        index = folder.write("shards.json", shard_list(shards))
        missing, listed = self._list_missing(parts, folder)
        rows = {split: sum(samples for _, samples, _ in own) for split, own in shards.items()}
        return Completion(files=[index, listed], rows=rows, notes=self._notes(missing))

    def _list_missing(
        self, parts: Sequence[tuple[TableFile, Part]], folder: ExportFolder
    ) -> tuple[int, PageFile]:
        """Joins what the parts have listed; returns how many narratives that are, and the file."""
        count = 0
        with folder.new_file(_MISSING) as joined:
            for _, part in parts:
                for listed in part.files[len(part.more.get("shards", [])) :]:
                    data = folder.read(listed.path)
                    count += data.count(b"\n")
                    joined.write(data)
        return count, joined.listed

    def _notes(self, missing: int) -> list[str]:
        if self.pictures is None:
            return [f"Samples have no picture: {option('images')} says where these are."]
        if not missing:
            return []
        return [missing_note(plural(missing, "narrative"), "not among the samples")]


def _missing(row: Mapping[str, Any]) -> bytes:
    told = {name: row[name] for name in ("narrative_id", "dataset", "split", "image_id")}
    return msgspec.json.encode(told) + b"\n"


class _Shards:
    """Shards of one file of a version: one is open for each split.

    Args:
      folder: Where to.
      number: The file's, part of the names of shards.
      limit: Bytes of a shard.
    """

    def __init__(self, folder: ExportFolder, number: str, limit: int) -> None:
        self._folder, self._number, self._limit = folder, number, limit
        self._open: dict[str, _Shard] = {}
        self._counts: dict[str, int] = {}
        self._keys: set[str] = set()
        self.done: list[tuple[str, int, PageFile]] = []
        """Split, samples and file of each shard, when the block has ended."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for split in list(self._open):
            self._close(split, kind, error, trace)

    def _close(self, split: str, *error: Any) -> None:
        shard = self._open.pop(split)
        if not any(error):
            shard.file.write(END)
        shard.context.__exit__(*(error or (None, None, None)))
        self.done.append((split, shard.samples, shard.file.listed))

    def add(
        self,
        row: Mapping[str, Any],
        mentions: Sequence[Mapping[str, Any]],
        picture: Picture | None,
        data: bytes | None,
    ) -> None:
        """Adds a sample, to a new shard where the open one is full."""
        key = narrative_key(row, is_repeated=False)
        if key in self._keys:
            key = narrative_key(row, is_repeated=True)
        self._keys.add(key)
        told = describe_narrative(row, mentions, picture.size if picture else None)
        members = {"json": told, "txt": (row["caption"] or "").encode()}
        if picture and data is not None:
            members[picture.format] = data
        size = sum(BLOCK - (-len(content) // BLOCK) * BLOCK for content in members.values())
        shard = self._shard(row, size)
        for ending, content in members.items():
            write_member(shard.file.write, f"{key}.{ending}", content)
        shard.samples += 1
        shard.bytes += size

    def _shard(self, row: Mapping[str, Any], size: int) -> "_Shard":
        """The shard that takes a sample of this size."""
        split = name_of_split(row["dataset"], row["split"])
        shard = self._open.get(split)
        if shard is not None and shard.bytes + size + len(END) > self._limit:
            self._close(split)
            shard = None
        if shard is None:
            count = self._counts[split] = self._counts.get(split, -1) + 1
            context = self._folder.new_file(
                f"shards/{split}/{split}-{self._number}-{count:04d}.tar"
            )
            shard = self._open[split] = _Shard(context, context.__enter__())
        return shard


@dataclasses.dataclass
class _Shard:
    context: contextlib.AbstractContextManager[FileInWriting]
    file: FileInWriting
    samples: int = 0
    bytes: int = 0
