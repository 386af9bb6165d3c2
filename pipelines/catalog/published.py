"""All published files that are catalogued: where they are, what they are, and what they go by."""

import dataclasses
import difflib
import functools
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import pydantic

from pipelines.catalog import (
    OFFICIAL,
    CatalogFile,
    File,
    Name,
    Part,
    read_catalog,
    siblings,
    validated,
)
from transforms import storage
from transforms.core.base.errors import UsageError, shown

FOLDER = pathlib.Path(__file__).with_name("published")
"""The catalogs that come with the package: `configs/catalog` of the repository."""

EXAMPLE = "configs/catalog/coco.yaml"

EVERYTHING = "all"
"""The name that stands for all of them."""

_Address = Annotated[str, pydantic.StringConstraints(pattern=r"^\S+$")]
_Page = Annotated[str, pydantic.StringConstraints(pattern=r"^https?://\S+$")]
_Folder = Annotated[str, pydantic.StringConstraints(pattern=r"^([A-Za-z0-9_-][A-Za-z0-9._-]*/?)*$")]


class _File(File):
    """A file of a group.

    Attributes:
      at: Its address, or what follows the source; its name by default.
      by_hand: The page from which a person has to get it.
      what: What it is, where its group does not tell.
      licence: Where it is another one than its group's.
    """

    at: _Address | None = None
    by_hand: _Page | None = None
    what: str = ""
    licence: str = ""


class _Group(Part):
    what: str
    folder: _Folder = ""
    source: _Address | None = None
    mirrors: tuple[_Address, ...] = ()
    licence: str = ""
    files: Annotated[tuple[_File, ...], pydantic.Field(min_length=1)]


class _Bundle(Part):
    what: str
    of: Annotated[tuple[Name, ...], pydantic.Field(min_length=1)]


class _Publisher(Part):
    """What a publisher's YAML file holds."""

    publisher: str
    page: _Page | None = None
    source: _Address | None = None
    mirrors: tuple[_Address, ...] = ()
    folder: _Folder = ""
    licence: str = ""
    groups: dict[Name, _Group] = {}
    bundles: dict[Name, _Bundle] = {}


@dataclasses.dataclass(frozen=True)
class PublishedFile:
    """A file that somebody has published.

    Attributes:
      path: Where it belongs, below the folder of all data.
      addresses: From which it can be fetched, in the order in which they are tried.
      by_hand: The page from which a person has to get it, None where nobody has to.
      bytes: Its size, None where it is not on record.
      md5: Its checksum (hexadecimal), None where it is not on record.
      licence: Of the file.
      what: What it is.
    """

    path: str
    addresses: tuple[str, ...]
    by_hand: str | None
    bytes: int | None
    md5: str | None
    licence: str
    what: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class Published:
    """Files by the names of groups and bundles."""

    def __init__(self) -> None:
        self._groups: dict[str, tuple[PublishedFile, ...]] = {}
        self._bundles: dict[str, tuple[str, ...]] = {}

    @property
    def names(self) -> list[str]:
        """All names of groups and bundles."""
        return [*self._groups, *self._bundles, EVERYTHING]

    def copy(self) -> "Published":
        """Another one of the same names."""
        copied = Published()
        copied.add(self._groups, self._bundles)
        return copied

    def add(
        self, groups: Mapping[str, Sequence[PublishedFile]], bundles: Mapping[str, Sequence[str]]
    ) -> None:
        """Adds groups and bundles.

        Raises:
          ValueError: A name is there already.
        """
        for name in (*groups, *bundles):
            if name in self.names:
                raise ValueError(f"the name `{name}` is there twice")
        self._groups |= {name: tuple(files) for name, files in groups.items()}
        self._bundles |= {name: tuple(of) for name, of in bundles.items()}

    def check(self) -> None:
        """Looks whether bundles are of names that there are, and none is of itself.

        Raises:
          ValueError: It is not so.
        """
        for name in self._bundles:
            list(self._group_names(name, ()))

    def find(self, names: Sequence[str]) -> list[PublishedFile]:
        """The files that names stand for, each once, in their order.

        Args:
          names: Of groups, of bundles, of files, or `all`.

        Raises:
          UsageError: There is no such name, or several files have it.
        """
        return list(dict.fromkeys(file for name in names for file in self._files_of(name)))

    def _files_of(self, name: str) -> list[PublishedFile]:
        if name == EVERYTHING:
            return [file for files in self._groups.values() for file in files]
        if name in self._groups or name in self._bundles:
            return [file for group in self._group_names(name, ()) for file in self._groups[group]]
        found = {file: group for group, files in self._groups.items() for file in files
                 if name in (file.name, file.path)}  # fmt: skip
        if len(found) > 1:
            groups = ", ".join(found.values())
            raise UsageError(f"{shown(name)!r} is in several groups: name one of {groups}")
        if not found:
            raise UsageError(f"there is no name {shown(name)!r} in the catalog: {self._near(name)}")
        return list(found)

    def _near(self, name: str) -> str:
        files = [file.name for files in self._groups.values() for file in files]
        plain = name.lower().replace(" ", "_").replace("-", "_")
        for known in (self.names, files):
            if close := difflib.get_close_matches(plain, known, n=1, cutoff=0.6):
                return f"did you mean `{close[0]}`?"
        return f"configs/catalog lists all names; `{EVERYTHING}` stands for everything"

    def _group_names(self, name: str, above: tuple[str, ...]) -> Iterator[str]:
        if name in above:
            raise ValueError(f"the bundle `{name}` is a bundle of itself")
        if name in self._groups:
            yield name
        elif name in self._bundles:
            for inner in self._bundles[name]:
                yield from self._group_names(inner, (*above, name))
        else:
            raise ValueError(f"the bundle `{above[-1]}` names `{name}`, which is not there")


def load_published(paths: Sequence[str] = ()) -> Published:
    """The official catalogs, and those in some files beside them.

    Raises:
      UsageError: A file is missing or malformed, or has a name that is there already.
    """
    published = _official().copy()
    _add_files(published, paths)
    return published


@functools.cache
def _official() -> Published:
    """The official catalogs; not to be added to."""
    published = Published()
    published.add(_narratives(read_catalog(str(OFFICIAL))), {})
    _add_files(published, [str(path) for path in sorted(FOLDER.glob("*.yaml"))])
    return published


def _add_files(published: Published, paths: Sequence[str]) -> None:
    for path in paths:
        publisher = validated(_Publisher, path, EXAMPLE)
        try:
            bundles = {name: bundle.of for name, bundle in publisher.bundles.items()}
            published.add(_groups_of(publisher), bundles)
        except ValueError as error:
            raise UsageError(f"{path}: {error} in the catalogs; change one") from error
    try:
        published.check()
    except ValueError as error:
        raise UsageError(f"{', '.join(paths)}: {error}; check the names of bundles") from error


def _groups_of(publisher: _Publisher) -> dict[str, list[PublishedFile]]:
    return {
        name: [_published(publisher, group, file) for file in group.files]
        for name, group in publisher.groups.items()
    }


def _published(publisher: _Publisher, group: _Group, file: _File) -> PublishedFile:
    return PublishedFile(
        path=storage.join(publisher.folder, group.folder, file.file),
        addresses=() if file.by_hand else tuple(_addresses(publisher, group, file)),
        by_hand=file.by_hand,
        bytes=file.bytes,
        md5=file.md5,
        licence=file.licence or group.licence or publisher.licence,
        what=file.what or group.what,
    )


def _addresses(publisher: _Publisher, group: _Group, file: _File) -> Iterator[str]:
    at = file.at or file.file
    if ":" in at:
        yield at
        return
    sources = (group.source, *group.mirrors) if group.source else (
        publisher.source, *publisher.mirrors)  # fmt: skip
    for source in filter(None, sources):
        yield f"{source.rstrip('/')}/{at}"


def _narratives(content: CatalogFile) -> dict[str, list[PublishedFile]]:
    """The files of narratives, and of each split those beside them as groups of their own."""
    groups: dict[str, list[PublishedFile]] = {}
    for name, group in content.groups.items():
        of_split = f"{group.dataset}, {group.split}"
        groups[name] = [_of_split(content, name, file, f"Narratives of {of_split}")
                        for file in group.files]  # fmt: skip
        for kind, sibling in siblings(group):
            known = {file.file: file for file in (*group.captions, *group.transcripts)}
            file = known.get(sibling, File(file=sibling))
            title = {"captions": "Captions alone", "transcripts": "Automatic transcriptions"}[kind]
            groups[f"{name}_{kind}"] = [_of_split(content, name, file, f"{title} of {of_split}")]
    return groups


def _of_split(content: CatalogFile, name: str, file: File, what: str) -> PublishedFile:
    return PublishedFile(
        path=storage.join(content.subfolder_of(content.groups[name]), file.file),
        addresses=(f"{(content.source or '').rstrip('/')}/{file.file}",),
        by_hand=None,
        bytes=file.bytes,
        md5=file.md5,
        licence=content.licence,
        what=what,
    )
