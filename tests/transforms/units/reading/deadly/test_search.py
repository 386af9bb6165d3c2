"""The search for deadly lines: by brute force, and with processes that do end."""

import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipelines.runs import token_captions
from transforms import storage
from transforms.core.base.errors import EngineError
from transforms.core.base.lines import Block
from transforms.core.model.units import Deadly, Unit
from transforms.units.reading.blocks import UnitBlock
from transforms.units.reading.deadly.forks import Death, death_of
from transforms.units.reading.deadly.search import find_deadly_lines, search
from transforms.units.reading.deadly.trial import Trial

UNIT = Unit("results.token", "results", "f", 1)


def block_of(data, start=0):
    return UnitBlock(UNIT, Block.of(data), start, False)


@given(
    st.lists(st.sampled_from([b"", b"good", b"DEADLY", b"also good"]), max_size=12),
    st.booleans(),
    st.integers(0, 9),
)
def test_just_the_lines_are_found_that_end_a_process(lines, is_ended, start):
    data = b"\n".join(lines) + (b"\n" if is_ended and lines else b"")
    tried = []

    def death_by(some):
        held = some.block.data.tobytes()
        tried.append(held)
        assert data[some.start - start :].startswith(held)
        return Death("Stage", "SIGABRT") if b"DEADLY" in held else None

    found = search(iter([block_of(data, start)]), death_by)
    at, wanted = start, []
    for line in lines:
        if line == b"DEADLY":
            wanted.append(Deadly(at, "Stage", "SIGABRT"))
        at += len(line) + 1
    assert found.lines == wanted and not found.together
    assert all(some.endswith(b"\n") or data.endswith(some) for some in tried)


def test_lines_that_end_a_process_only_together_are_none_of_them():
    def death_by(lines):
        return Death("Stage", "SIGKILL") if len(lines.block) > 4 else None

    found = search(iter([block_of(b"1\n2\n3\n")]), death_by)
    assert not found.lines
    assert found.together == ["a process that does bytes 0 to 6 ends by SIGKILL in Stage"]


def ending_by(end):
    def work(begins):
        begins("First")
        begins("Second")
        end()

    return death_of(work)


@pytest.mark.parametrize(
    ("end", "death"),
    [
        (lambda: signal.raise_signal(signal.SIGTERM), Death("Second", "SIGTERM")),
        (lambda: os._exit(3), Death("Second", "exit code 3")),
        (
            lambda: os.kill(os.getpid(), signal.SIGKILL),
            Death("Second", "SIGKILL, as where memory runs out"),
        ),
        (lambda: None, None),
        (lambda: [][0], None),
        (lambda: exit(2), None),
    ],
)
def test_a_fork_tells_how_it_ends(end, death):
    assert ending_by(end) == death


def trial_of(*stages):
    return Trial(
        job=token_captions.TOKENS,
        unit_bytes=1024,
        reader="ReadTokens",
        read=token_captions.read_tokens,
        stages={type(stage).__name__: stage.prepare() for stage in stages},
    )


def unit_of(path):
    (file,) = storage.match([str(path)])
    return Unit(file.path, "results", file.fingerprint, file.size, identity=file.identity)


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "results.token"
    captions = ["Two young guys", "a DEADLY caption", "no harm", "DEADLY again"]
    path.write_text("".join(f"1{n}.jpg#0\t{text}\n" for n, text in enumerate(captions)))
    return path


def test_lines_are_tried_by_the_stages_of_the_job(shard):
    data = shard.read_bytes()
    stages = (token_captions.CountWords(), token_captions.AbortAt("DEADLY"))
    found = find_deadly_lines(unit_of(shard), trial_of(*stages))
    assert [line.byte_offset for line in found] == [data.index(b"11.jpg"), data.index(b"13.jpg")]
    assert {(line.stage, line.end) for line in found} == {("AbortAt", "SIGABRT")}
    assert not find_deadly_lines(unit_of(shard), trial_of(token_captions.CountWords()))


def test_what_ends_before_a_line_is_done_is_an_error_with_the_reason(shard):
    class Missing(token_captions.CountWords):
        def prepare(self):
            return os.abort

    with pytest.raises(EngineError, match="when it prepares the stages, by SIGABRT"):
        find_deadly_lines(unit_of(shard), trial_of(Missing()))
    with pytest.raises(EngineError, match="cannot be tried in a process of their own: .*token"):
        find_deadly_lines(UNIT, trial_of())  # there is no such file
