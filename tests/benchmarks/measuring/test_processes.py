"""Watching commands from outside."""

import sys

import pytest

from benchmarks.measuring.processes import CommandFailed, first_read, peak_memory, run

SIZE = 60 * 10**6

TREE = """
import subprocess, sys, time
size = int(sys.argv[1])
child = "import sys, time; held = b'x' * int(sys.argv[1]); print(flush=True); time.sleep(0.4)"
held = b"x" * size
process = subprocess.Popen([sys.executable, "-c", child, str(size)], stdout=subprocess.PIPE)
process.stdout.readline()
process.wait()
"""

FORKED = """
import os, sys, time
held = b"x" * int(sys.argv[1])
if os.fork() == 0:
    time.sleep(0.4)
    os._exit(0)
os.wait()
"""


def python(program, *arguments):
    return [sys.executable, "-c", program, *map(str, arguments)]


@pytest.mark.parametrize(("program", "holders"), [(TREE, 2), (FORKED, 1)])
def test_memory_of_all_processes_is_added_up_and_shared_pages_count_once(program, holders):
    bare = peak_memory(python(program, 0), interval=0.01)
    full = peak_memory(python(program, SIZE), interval=0.01)
    assert full - bare == pytest.approx(holders * SIZE, rel=0.15)


def test_the_first_read_is_found_and_lies_before_the_end(tmp_path):
    path = tmp_path / "shard"
    path.write_text("line\n")
    reads = python("import sys; open(sys.argv[1]).read()", path)
    first, end = first_read(reads, [str(path)])
    assert 0 < first <= end


def test_opening_a_file_or_asking_for_its_size_is_no_read(tmp_path):
    path = tmp_path / "shard"
    path.write_text("line\n")
    opens = python("import os, sys; open(sys.argv[1], 'rb'); os.stat(sys.argv[1])", path)
    with pytest.raises(CommandFailed, match="read none of"):
        first_read(opens, [str(path)])


def test_a_command_that_fails_is_an_error_with_its_last_words():
    with pytest.raises(CommandFailed, match="no such thing"):
        run(python("raise SystemExit('no such thing')"))


def test_a_command_runs_in_its_folder(tmp_path):
    run(python("open('here', 'w')"), tmp_path)
    assert (tmp_path / "here").exists()
