"""Archives in the published form, and rows that were read of files."""

import io
import pathlib
import tarfile

import numpy as np

from transforms.core.sources.annotations.releases.files.archive import PlainStream, TarStream
from transforms.core.sources.annotations.releases.files.pieces import cut_stream
from transforms.core.sources.annotations.releases.files.rows import parse_records
from transforms.core.sources.annotations.releases.forms import form_of

DATA = pathlib.Path(__file__).parents[5] / "data" / "open_images"
"""Real rows; SOURCE.md beside them names origin and licence."""


def pack(members, format=tarfile.GNU_FORMAT, mode="w"):
    """An archive of members, pairs of name and content, as bytes; with their folders before them.

    `mode` is that of `tarfile`, such as `w:gz`.
    """
    file = io.BytesIO()
    folders = set()
    with tarfile.open(fileobj=file, mode=mode, format=format) as archive:
        for name, data in members:
            folder = name.rpartition("/")[0]
            if folder and folder not in folders:
                folders.add(folder)
                info = tarfile.TarInfo(folder)
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def cut(data, piece_bytes, release="v3", archive=True, name="images.csv"):
    """The pieces of an archive, or of a file."""
    stream = TarStream(io.BytesIO(data), "a.tar") if archive else PlainStream(io.BytesIO(data))

    def form(member, head):
        return form_of(member.name or name, head, release, None, member.name)

    return list(cut_stream(stream, piece_bytes, form, "a.tar"))


def array(data):
    """Bytes as records are given."""
    return np.frombuffer(data, np.uint8)


def parse(data, ends, form):
    """Rows as dictionaries, and (record, code) of what is bad, and blank records."""
    parsed = parse_records(array(data), ends, form)
    return parsed.rows.to_pylist(), [bad[:2] for bad in parsed.bad], parsed.blank
