"""The catalog: which dataset and split a file belongs to, and what is expected of it."""

import pathlib
import re
from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

import pydantic

from pipelines.cli.yaml_files import read_yaml
from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.base.lines import COMPRESSED

Kind = Literal["narratives", "captions", "transcripts"]

KINDS: dict[Kind, str] = {"captions": "_captions.jsonl", "transcripts": "_asr.jsonl"}
"""Files that are published beside a split's narratives, and how their names end."""

OFFICIAL = pathlib.Path(__file__).with_name("catalog.yaml")
"""The catalog that comes with the package: `configs/catalog.yaml` of the repository."""

_NARRATIVES_END = re.compile(r"_localized_narratives(-\d+-of-\d+)?\.jsonl$")

Name = Annotated[str, pydantic.StringConstraints(pattern=r"^[a-z0-9_]+$")]


class Part(pydantic.BaseModel):
    """A part of a catalog, which has no other keys than it may have."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class File(Part):
    """A file of a split; `bytes` and `md5` are those of the published file, if known."""

    file: Annotated[str, pydantic.StringConstraints(pattern=r"^[^/]+$")]
    bytes: pydantic.PositiveInt | None = None
    md5: Annotated[str, pydantic.StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None


class Group(Part):
    """The files of one split; `narratives` are expected in all of them together.

    `captions` and `transcripts` are the files beside them of which size or checksum are on record.
    """

    dataset: Name
    split: Literal["train", "validation", "test"]
    narratives: pydantic.PositiveInt | None = None
    files: Annotated[tuple[File, ...], pydantic.Field(min_length=1)]
    captions: tuple[File, ...] = ()
    transcripts: tuple[File, ...] = ()


class CatalogFile(Part):
    """What a catalog's YAML file holds.

    Attributes:
      source: Where addresses of its files begin.
      licence: Of the files.
      folder: Where its files are looked for.
      layout: Of the subfolders in it; empty where there are none.
      groups: Each by its name.
    """

    source: str | None = None
    licence: str = ""
    folder: str = "."
    layout: Annotated[
        str, pydantic.StringConstraints(pattern=r"^([a-z0-9_/]|\{dataset\}|\{split\})*$")
    ] = ""
    groups: dict[Name, Group]

    def folder_of(self, group: Group, data: str | None = None) -> str:
        """Where the files of a group are; `data` takes the place of a folder with a layout."""
        if not self.layout:
            return self.folder
        return storage.join(data or self.folder, self.subfolder_of(group))

    def subfolder_of(self, group: Group) -> str:
        """Where the files of a group are below the folder."""
        return self.layout.format(dataset=group.dataset, split=group.split)


class Entry(Part):
    """What the catalog knows of one file.

    Attributes:
      file: The name that was looked up.
      kind: Narratives, captions alone, or automatic transcriptions.
      group: The split's name in the catalog.
      dataset: For example `open_images`.
      split: `train`, `validation` or `test`.
      bytes: Expected size, None where it is not known.
      md5: Expected checksum, None where it is not known.
    """

    file: str
    kind: Kind
    group: str
    dataset: str
    split: str
    bytes: int | None = None
    md5: str | None = None


class Catalog:
    """The groups of one or more catalog files.

    Attributes:
      groups: Each group by its name.
    """

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self._folders: dict[str, str] = {}
        self._entries: dict[str, Entry] = {}

    def add(self, name: str, group: Group, folder: str) -> None:
        """Adds a group whose files are in `folder`.

        Args:
          name: Of the group.
          group: Its files.
          folder: Where they are, with the subfolders of a layout.

        Raises:
          ValueError: The name, or one of the files, is catalogued already.
        """
        if name in self.groups:
            raise ValueError(f"the group `{name}` is there twice")
        self.groups[name] = group
        self._folders[name] = folder
        for file in group.files:
            if file.file in self._entries:
                raise ValueError(f"the file {file.file!r} is there twice")
            self._entries[file.file] = _entry(name, group, file.file, "narratives", file)
        kind: Kind
        for kind in KINDS:
            for file in getattr(group, kind):
                self._entries[file.file] = _entry(name, group, file.file, kind, file)
        for sibling_kind, sibling in siblings(group):
            self._entries.setdefault(sibling, _entry(name, group, sibling, sibling_kind))

    def lookup(self, file_name: str) -> Entry | None:
        """What is known of a file, by the last part of its path.

        A compressed copy (`.gz`, `.zst`) belongs where the file itself does; its size and
        checksum are its own, so none are expected. The caption-only and transcription files of
        a split are known by their names.
        """
        name = file_name.rsplit("/", 1)[-1]
        entry = self._entries.get(self.plain_name(name))
        if entry is not None and name.endswith(COMPRESSED):
            return entry.model_copy(update={"file": name, "bytes": None, "md5": None})
        return entry

    def size_of(self, file_name: str) -> int | None:
        """Bytes of the published file of this name, None where they are not known."""
        entry = self.lookup(file_name)
        return entry.bytes if entry else None

    def plain_name(self, name: str) -> str:
        """The name of the file itself, of a copy's that may be compressed."""
        return name.rpartition(".")[0] if name.endswith(COMPRESSED) else name

    def files(self, name: str) -> list[str]:
        """Paths of a group's files, in the order of its shards.

        Raises:
          KeyError: There is no such group.
        """
        folder = self._folders[name]
        return [storage.join(folder, file.file) for file in self.groups[name].files]


def _entry(name: str, group: Group, file_name: str, kind: Kind, file: File | None = None) -> Entry:
    return Entry(
        file=file_name,
        kind=kind,
        group=name,
        dataset=group.dataset,
        split=group.split,
        bytes=file.bytes if file else None,
        md5=file.md5 if file else None,
    )


def siblings(group: Group) -> list[tuple[Kind, str]]:
    """Kind and name of the files that are published beside a split's narratives."""
    stems = {_NARRATIVES_END.sub("", file.file) for file in group.files}
    return [(kind, stem + end) for stem in sorted(stems) for kind, end in KINDS.items()]


def load_catalog(paths: Sequence[str], data: str | None = None) -> Catalog:
    """Reads catalog files into one catalog.

    Args:
      paths: The files.
      data: The folder in which files are that have a layout, in place of the catalog's own.

    Raises:
      UsageError: A file is missing or malformed, or catalogues something for the second time.
    """
    catalog = Catalog()
    for path in paths:
        content = read_catalog(path)
        for name, group in content.groups.items():
            try:
                catalog.add(name, group, content.folder_of(group, data))
            except ValueError as error:
                raise UsageError(f"{path}: {error} in the catalogs; remove one") from error
    return catalog


def load_catalogs(paths: Sequence[str], data: str | None = None) -> Catalog:
    """Reads catalog files, and adds the groups of the official one that they do not speak of.

    Arguments as of `load_catalog`.

    Raises:
      UsageError: As `load_catalog`.
    """
    catalog = load_catalog(paths, data)
    content = read_catalog(str(OFFICIAL))
    for name, group in content.groups.items():
        if name not in catalog.groups and not any(catalog.lookup(f.file) for f in group.files):
            catalog.add(name, group, content.folder_of(group, data))
    return catalog


def read_catalog(path: str) -> CatalogFile:
    """What a catalog file holds.

    Raises:
      UsageError: It is missing or malformed.
    """
    return validated(CatalogFile, path, "configs/catalog.yaml")


_PartT = TypeVar("_PartT", bound=Part)


def validated(model: type[_PartT], path: str, example: str) -> _PartT:
    """What a YAML file holds, as a model.

    Args:
      model: What it must hold.
      path: The file.
      example: A file that shows the form, for messages.

    Raises:
      UsageError: It is missing or malformed.
    """
    try:
        return model.model_validate(read_yaml(path))
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
        place = f"at `{key}`" if key else "at its top"
        message = problem["msg"][:1].lower() + problem["msg"][1:]
        raise UsageError(
            f"{path}: not a catalog, {place}: {message}; see {example} for the form"
        ) from error
