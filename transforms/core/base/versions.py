"""Versions of what results are made by: code, data files, packages and the Python that runs them.

Results depend on the modules that their makers import, directly or not. These are found by reading
import statements, so that a change of any other module, such as one of the report, of another job
or of a command, keeps every finished unit.
"""

import functools
import hashlib
import json
import pathlib
import re
import sys
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from importlib import metadata

PACKAGES_THAT_MATTER = (
    "fastavro",
    "google-crc32c",
    "llvmlite",
    "msgspec",
    "numba",
    "numpy",
    "pyarrow",
    "spacy",
    "thinc",
)
"""Packages whose version can change results; part of every unit's key."""

DATA = "core/data"
"""The data files of a package of transforms: vocabularies and the tagger's model."""

COMPILED = (".pyc", ".nbi", ".nbc")
"""Files that Python and numba leave beside the code."""

_PACKAGE = pathlib.Path(__file__).parents[2]


def digest(values: Mapping) -> str:
    """SHA-256 of values that JSON can hold.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def package_versions() -> dict[str, str]:
    """Versions of the packages that can change results, of Python, and of its Unicode tables."""
    versions = {name: metadata.version(name) for name in PACKAGES_THAT_MATTER}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return versions | {"python": python, "unicode": unicodedata.unidata_version}


@functools.cache
def code_version(roots: tuple[str, ...], package: pathlib.Path = _PACKAGE) -> str:
    """Hash of all modules that some import, of these, and of the package's data files.

    Args:
      roots: Names of the modules that make the results, such as
        `transforms.collections.narratives.stages`.
      package: The folder of their package.
    """
    sources = {name: _hash(path.read_bytes()) for name, path in closure(roots, package).items()}
    return digest({"modules": sources, "data": folder_version(package / DATA)})[:16]


def closure(roots: Collection[str], package: pathlib.Path = _PACKAGE) -> dict[str, pathlib.Path]:
    """The modules of a package that some of its modules import, directly or not, and these.

    Imports inside functions count too. What a package's `__init__` imports counts for all that is
    in it.

    Returns:
      Their files by their names, in the order of these.
    """
    found: dict[str, pathlib.Path] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        path = _file_of(name, package)
        if path is None or name in found:
            continue
        found[name] = path
        waiting += [name.rpartition(".")[0], *_imported(path, package.name)]
    return dict(sorted(found.items()))


def _file_of(module: str, package: pathlib.Path) -> pathlib.Path | None:
    """The file of a module, None for what is no module of the package."""
    if module.partition(".")[0] != package.name:
        return None
    path = package.parent.joinpath(*module.split("."))
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)


_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))", re.M
)
"""Import statements. What a docstring has of that form is taken for one: it does no harm."""

_NAME = re.compile(r"[\w.]+")


def _imported(path: pathlib.Path, package: str) -> Iterator[str]:
    """Names that may be modules, of all import statements of a file.

    They are looked for in the text: parsing all of a closure would take a fifth of a second of
    every run.
    """
    for origin, names, modules in _IMPORT.findall(path.read_bytes()):
        if modules:
            yield from _NAME.findall(modules.decode())
        elif (module := origin.decode()).startswith(package):
            yield module
            yield from (f"{module}.{name}" for name in _NAME.findall(names.decode()))


@functools.cache
def deployment_version() -> str:
    """Hash of all transforms and their data, whatever uses them.

    It is the same where a worker has the same code as the command that planned a run.
    """
    return folder_version(_PACKAGE)


def folder_version(root: pathlib.Path) -> str:
    """Hash of the names and contents of all files below a folder.

    Left out is what differs from copy to copy: compiled code, hidden files, backups of editors.
    """
    files = {path.relative_to(root): path for path in root.rglob("*") if path.is_file()}
    contents = {
        str(name): _hash(path.read_bytes())
        for name, path in files.items()
        if not (name.suffix in COMPILED or name.name.endswith("~") or _is_hidden(name))
    }
    return digest(contents)[:16]


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _is_hidden(path: pathlib.Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
