"""Whatever the size of pieces and ranges, the same rows are read, and the same are bad."""

import io
import random
import tracemalloc

import pytest

from tests.transforms.core.sources.annotations.releases.packing import DATA, array, cut, pack
from transforms.core.base.errors import UsageError
from transforms.core.base.lines import Block, read_block
from transforms.core.model import bad_lines
from transforms.core.sources.annotations.releases.files import pieces
from transforms.core.sources.annotations.releases.forms import form_of
from transforms.core.sources.annotations.releases.reading import Origin, read_chunk

IMAGES = (DATA / "v3" / "train" / "images.csv").read_bytes()


def messy(seed, data):
    """A file with quoted line breaks, open quotes, blank lines, CRLF and lines cut short."""
    dice, lines = random.Random(seed), data.splitlines(keepends=True)
    for at in range(1, len(lines)):
        line = lines[at]
        lines[at] = dice.choice(
            [line, line, line, line.replace(b"\n", b"\r\n"), line[:-30] + b"\n", line + b"\n",
             line.replace(b',"', b',"\n\n', 1), line.replace(b',"', b',"quoted\r\n"" lines\n', 1),
             line.replace(b'",', b",", 1), b' \n' + line, line.replace(b",", b',"', 1)]
        )  # fmt: skip
    return b"".join(lines)


def rows_of(chunks):
    """All rows of chunks by table, and bad lines with place and bytes."""
    found, counted = {}, [0, 0]
    for chunk in chunks:
        counted = [counted[0] + chunk.lines, counted[1] + chunk.blank]
        for name, rows in chunk.tables.items():
            found.setdefault(name, []).extend(rows.to_pylist())
    for row in found[bad_lines.TABLE]:
        del row["unit"], row["line_in_unit"]
    rows = sum(map(len, found.values()))
    assert counted[0] == rows + counted[1]  # the conservation law
    return found, counted


def read_pieces(data, size, archive):
    return rows_of(
        read_chunk(
            Block.of(piece.records.tobytes()),
            Origin("images.csv", 0, piece.records_start, piece.form, piece.line),
        )
        for piece in cut(data, size, archive=archive)
    )


@pytest.mark.parametrize("seed", range(6))
def test_pieces_of_any_size_give_the_same(seed):
    data = messy(seed, IMAGES)
    found, counted = read_pieces(data, 1 << 20, archive=False)
    assert len(found["images"]) > 20 and len(found[bad_lines.TABLE]) > 3 and counted[1] > 3
    for size in (1, 100, 333, 1024, 4096):
        assert read_pieces(data, size, archive=False) == (found, counted)
    for row in found[bad_lines.TABLE]:
        assert data[row["byte_offset"] :].startswith(row["raw"])
        line = data[: row["byte_offset"]].count(b"\n") + 1
        assert row["message"].startswith(f"line {line}: ")


def test_an_archive_gives_what_its_files_give():
    members = [(f"2017_11/{part}/images.csv", (DATA / "v3" / part / "images.csv").read_bytes())
               for part in ("train", "validation")]  # fmt: skip
    for size in (2_000, 1 << 20):
        found, _ = read_pieces(pack(members), size, archive=True)
        alone = [read_pieces(data, 1 << 20, archive=False)[0]["images"] for _, data in members]
        assert found["images"] == [*alone[0], *alone[1]]
        assert [(row["split"], row["member"]) for row in found["files"]] == [
            (name.split("/")[1], name) for name, _ in members
        ]
        assert [row["split"] for row in found["images"]] == ["train"] * 60 + ["validation"] * 60


def test_ranges_of_labels_give_the_same_whatever_quotes_they_hold(tmp_path):
    """A quote takes no line break in where none is published, so that any range may be read."""
    path = tmp_path / "labels.csv"
    data = (DATA / "v3" / "train" / "annotations-human.csv").read_bytes()
    lines = data.splitlines(keepends=True)
    for at in (3, 9, 10, 40):
        lines[at] = lines[at].replace(b",", b',"', 1)
    path.write_bytes(b"".join(lines))
    form = form_of("annotations-human.csv", data, "v3")

    def read(size):
        chunks = []
        for start in range(0, path.stat().st_size, size):
            with path.open("rb") as file:
                at, block = read_block(file, start, min(start + size, path.stat().st_size))
            chunks.append(read_chunk(block, Origin("labels.csv", 0, at, form)))
        return rows_of(chunks)

    found = read(1 << 20)
    assert len(found[0]["labels"]) == 56 and len(found[0]["files"]) == 1
    assert [row["code"] for row in found[0][bad_lines.TABLE]] == ["open_quote"] * 4
    assert all(read(size) == found for size in (17, 64, 500))


class Endless(io.RawIOBase):
    """Lines made while they are read."""

    def __init__(self, head, line, size):
        self._head, self._line, self._left = head, line, size

    def readable(self):
        return True

    def read(self, size=-1):
        data, self._head = self._head, b""
        if not data:
            at = -self._left % len(self._line)  # the size is that of complete lines
            data = (self._line * (size // len(self._line) + 2))[at : at + min(size, self._left)]
            self._left -= len(data)
        return data


def test_a_large_file_is_read_in_flat_memory():
    """48 MB of records with quoted line breaks, in pieces of 256 KiB: a megabyte or two is held."""
    header = b"ImageID,OriginalURL,Title\n"
    line = b'000002b66c9c498e,https://example.org/a.jpg,"two\nlines, and more"\n'
    file = Endless(header, line, len(line) * 750_000)

    def form(member, head):
        return form_of("images.csv", head, "v3")

    rows = 0
    tracemalloc.start()
    for piece in pieces.cut_stream(pieces.PlainStream(file), 1 << 18, form, "images.csv"):
        rows += len(pieces.ends_of(piece.records, piece.form))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows == 750_001 and peak < 3 << 20


def test_a_line_without_an_end_is_refused(monkeypatch):
    monkeypatch.setattr(pieces, "MAX_LINE_BYTES", 1000)
    with pytest.raises(UsageError, match="line 2: has over 1,000 bytes"):
        cut(b"ImageID,OriginalURL\n" + b"x" * 5000, 100, archive=False)


def test_members_of_no_known_kind_are_rejected_line_by_line():
    found, counted = read_pieces(pack([("README", b"Open Images\n\nhello\n")]), 100, archive=True)
    assert [(row["code"], row["raw"]) for row in found[bad_lines.TABLE]] == [
        ("unknown_kind", b"Open Images\n"), ("unknown_kind", b"hello\n")
    ]  # fmt: skip
    assert counted == [3, 1]
    assert found[bad_lines.TABLE][1]["message"].startswith("README, line 3: ")


def test_the_first_revision_counts_each_label_as_a_line():
    """One line an image, a label by a machine, in an archive whose name says so."""
    data = b"ImageID,Confidence:Labels...\n1f,0.9:/m/a,0.5:/m/b\n2f\n3f,0.7:/m/a,?\n"
    (piece,) = cut(pack([("machine_ann_2016_08/train/labels.csv", data)]), 1000, release="v1")
    chunk = read_chunk(
        Block.of(piece.records.tobytes()),
        Origin("machine_ann_2016_08.tar.gz", 0, piece.records_start, piece.form, piece.line),
    )
    labels = chunk["labels"].to_pylist()
    assert [(row["split"], row["source"], row["image_id"], row["class_id"]) for row in labels] == [
        ("train", "machine", "1f", "/m/a"), ("train", "machine", "1f", "/m/b"),
        ("train", "machine", "3f", "/m/a"),
    ]  # fmt: skip
    assert (chunk.lines, chunk.blank, len(chunk[bad_lines.TABLE])) == (6, 1, 1)
    assert array(data).size == len(piece.records)
