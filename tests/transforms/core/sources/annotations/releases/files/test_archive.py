"""Archives are read as `tarfile` reads them, and every byte of them is accounted for."""

import io
import random
import tarfile

import pytest

from tests.transforms.core.sources.annotations.releases.packing import DATA, cut, pack
from transforms.core.base.errors import UsageError
from transforms.core.sources.annotations.releases.files.archive import TarStream

MEMBERS = [
    ("images_2016_08/train/images.csv", b"ImageID,OriginalURL\n1f,u\n"),
    (
        "images_2016_08/" + "long/" * 40 + "validation/images.csv",
        b"ImageID,OriginalURL\n2f,u\n" * 50,
    ),
    ("images_2016_08/empty.csv", b""),
    ("images_2016_08/caf\u00e9.csv", b"x" * 512),
]
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def read(data):
    stream = TarStream(io.BytesIO(data), "a.tar")
    found = []
    while (member := stream.next()) is not None:
        found.append((member.name, member.read(1 << 20)))
        assert data[member.start :].startswith(found[-1][1])
    return found


@pytest.mark.parametrize("format", FORMATS, ids=["ustar", "gnu", "pax"])
def test_members_are_those_of_tarfile(format):
    members = [(name.replace("é", "e") if format == tarfile.USTAR_FORMAT else name, data)
               for name, data in MEMBERS]  # fmt: skip
    assert read(pack(members, format)) == members


def test_hidden_files_links_and_folders_are_passed_over():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, kind in (("a", tarfile.DIRTYPE), ("a/l", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "x"
            archive.addfile(info)
        for name in ("a/._images.csv", "a/images.csv"):
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"a,b"))
    assert read(file.getvalue()) == [("a/images.csv", b"a,b")]


def test_pieces_cover_every_byte_and_join_to_the_members():
    data = pack(MEMBERS, tarfile.PAX_FORMAT)
    for size in (1, 7, 100, 10_000):
        pieces = cut(data, size)
        at, joined = 0, {}
        for piece in pieces:
            assert piece.start == at
            at = piece.end
            covered = piece.before + piece.records.tobytes() + piece.behind
            assert data[piece.start : piece.end] == covered
            joined[piece.form.member] = joined.get(piece.form.member, b"") + piece.records.tobytes()
        assert at == len(data) and joined == dict(MEMBERS)
        assert [piece.last for piece in pieces] == [False] * (len(pieces) - 1) + [True]


@pytest.mark.parametrize("data", [b"", b"ImageID,OriginalURL\n" * 100, pack([])[:100]])
def test_what_is_no_archive_says_so(data):
    with pytest.raises(UsageError, match="no tar archive"):
        cut(data, 100)


def test_an_archive_that_is_cut_anywhere_is_never_taken_for_a_complete_one():
    data = pack([(path.name, path.read_bytes()) for path in sorted(DATA.glob("v6/*.csv"))])
    end = len(data.rstrip(b"\0"))
    for size in sorted(random.Random(1).sample(range(end), 120)) + [end]:
        if size > end - (end % 512):
            continue  # in the padding behind the last member
        with pytest.raises(UsageError, match="cut short|corrupt"):
            cut(data[:size], 5_000)


def test_an_archive_without_a_member_is_one_empty_piece():
    (piece,) = cut(pack([]), 100)
    assert piece.last and not len(piece.records) and piece.end == len(pack([]))
