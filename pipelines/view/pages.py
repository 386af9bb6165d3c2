"""The files of the page, which come with the package, and its copy elsewhere."""

import json
import pathlib
import posixpath

from pipelines.view.versions import ShownVersion
from transforms import storage
from transforms.core.base.errors import UsageError, shown

PAGE = pathlib.Path(__file__).with_name("page")
SETTINGS = "settings.json"
"""Which version the page shows, relative to its own address; `images`: where local images are."""


def page_files() -> dict[str, pathlib.Path]:
    """Files of the page by their paths below its folder."""
    files = sorted(path for path in PAGE.rglob("*") if path.is_file())
    return {path.relative_to(PAGE).as_posix(): path for path in files}


def encode_settings(**settings: str | None) -> bytes:
    """The settings as JSON."""
    return json.dumps({name: value for name, value in settings.items() if value}).encode()


def write_page(folder: str, version: ShownVersion) -> None:
    """Writes the page into a folder from which it finds the version.

    Of an output it shows whatever version is current when somebody looks.

    Args:
      folder: It may have another page, which this one takes the place of.
      version: What it shows.

    Raises:
      UsageError: The folder and the version are not in one store, or the page's folder is the
        version's own.
    """
    if version.output is not None:
        settings = encode_settings(output=_relative(version.output, folder))
    else:
        settings = encode_settings(version=_relative(version.folder, folder))
    for path, source in page_files().items():
        storage.write_bytes(storage.join(folder, path), source.read_bytes())
    storage.write_bytes(storage.join(folder, SETTINGS), settings)


def _relative(to: str, folder: str) -> str:
    """An address of a folder relative to another one, with a slash at its end."""
    target, begin = (_split(path) for path in (to, folder))
    if target[0] != begin[0]:
        raise UsageError(
            f"{shown(folder)!r} is not where {shown(to)!r} is: write the page to the same disk or "
            "bucket"
        )
    relative = posixpath.relpath(target[1], begin[1])
    if relative == ".":
        raise UsageError(
            f"{shown(folder)!r} holds the data itself: give the page a folder of its own, such as "
            f"{shown(posixpath.join(folder, 'view'))!r}"
        )
    return f"{relative}/"


def _split(path: str) -> tuple[str, str]:
    """Store (scheme and bucket; empty for this machine) and absolute path in it."""
    scheme, separator, rest = path.partition("://")
    if not separator:
        return "", pathlib.Path(path).resolve().as_posix()
    bucket, _, below = rest.partition("/")
    return f"{scheme}://{bucket}", f"/{below}"
