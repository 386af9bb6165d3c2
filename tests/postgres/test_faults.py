"""What goes wrong with a real PostgreSQL ends in a sentence, and readers keep what they had."""

import math
import os
import re
import signal
import subprocess
import sys
import threading

import numpy as np
import pyarrow as pa
import pytest

from pipelines.cli.process import run_command
from pipelines.export.job import main
from tests import build_helpers as helpers
from tests.postgres import made
from transforms.core.base.errors import UsageError

psycopg = pytest.importorskip("psycopg")
pytestmark = pytest.mark.postgres

PASSWORD = "p4ss-w0rd"  # of the server
LINES = [f"caption number {n}" for n in range(2000)]
COUNT = "SELECT count(*) FROM tokens.captions"


@pytest.fixture(scope="module")
def captions(tmp_path_factory):
    return made.captions(tmp_path_factory.mktemp("captions"), LINES)


@pytest.fixture(scope="module")
def fewer(tmp_path_factory):
    return made.captions(tmp_path_factory.mktemp("fewer"), LINES[:100])


def arguments(dsn, output, *more):
    return ["--to", "postgres", "--dsn", dsn, "--input", str(output), *more]


def failed(arguments, capsys):
    """Exit code and message of a command that fails; its message holds no password."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        run_command(lambda: main(arguments))
    said = capsys.readouterr().err
    assert PASSWORD not in said and "s3cret" not in said
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, said
    return end.value.code, errors[0]


@pytest.mark.parametrize(("change", "code", "sentence"), [
    (("p4ss-w0rd", "s3cret"), 4, "password authentication failed"),
    (("postgres:p4ss", "nobody:p4ss"), 4, "check user, password and database"),
    ((r"/postgres$", "/nowhere"), 4, 'database "nowhere" does not exist'),
    ((r"@127.0.0.1:", "@127.0.0.1:x"), 2, "cannot be read"),
    (("postgresql://", "postgresql:s3cret//"), 2, "cannot be read"),
])  # fmt: skip
def test_a_connection_that_fails_is_a_sentence(change, code, sentence, server, captions, capsys):
    dsn = re.sub(*change, server.dsn())
    found, said = failed(arguments(dsn, captions), capsys)
    assert (found, sentence in said) == (code, True), said


def test_a_server_that_is_not_there_may_be_later(captions, capsys):
    command = arguments(f"postgresql://me:{PASSWORD}@127.0.0.1:1/x", captions, "--summary", "json")
    with pytest.raises(SystemExit) as end:
        run_command(lambda: main(command))
    printed = capsys.readouterr()
    assert end.value.code == 4 and "Connection refused" in printed.err
    assert '"retryable": true' in printed.out and PASSWORD not in printed.out + printed.err


def test_a_user_without_privileges_and_tables_of_others_are_told(
    database, server, captions, capsys
):
    database.execute("CREATE ROLE poor LOGIN PASSWORD 's3cret'")
    dsn = server.dsn(database.database, "poor", "s3cret")
    code, said = failed(arguments(dsn, captions), capsys)
    assert code == 4 and "needs the privilege CREATE on the database" in said
    database.execute("DROP ROLE poor; CREATE SCHEMA mine; CREATE TABLE mine.own (n int)")
    code, said = failed(arguments(database.dsn, captions, "--db-schema", "mine"), capsys)
    assert code == 2 and "tables that no export has made, such as 'own'" in said
    assert "--db-schema" in said
    assert database.execute("SELECT count(*) FROM mine.own").fetchone() == (0,)


def test_a_view_of_a_user_is_not_dropped(database, captions, fewer, capsys):
    assert main(arguments(database.dsn, captions)) == 0
    database.execute("CREATE VIEW public.mine AS SELECT image_id FROM tokens.captions")
    code, said = failed(arguments(database.dsn, fewer), capsys)
    assert code == 2 and "view mine depends on" in said
    assert database.execute("SELECT count(*) FROM public.mine").fetchone() == (2000,)
    database.execute("DROP VIEW public.mine")
    assert main(arguments(database.dsn, fewer)) == 0  # what is loaded is not loaded again
    assert database.execute(COUNT).fetchone() == (100,)


def test_a_full_disk_leaves_the_old_content(database, captions, fewer, capsys):
    assert main(arguments(database.dsn, captions)) == 0
    database.execute(
        "CREATE FUNCTION full_disk() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE "
        "EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; "
        "END $$; CREATE EVENT TRIGGER full_disk ON ddl_command_start "
        "WHEN TAG IN ('ALTER SCHEMA') EXECUTE FUNCTION full_disk()"
    )
    code, said = failed(arguments(database.dsn, fewer), capsys)
    assert code == 4 and "No space left on device" in said and "free some" in said
    assert database.execute(COUNT).fetchone() == (2000,)
    database.execute("DROP EVENT TRIGGER full_disk")
    assert main(arguments(database.dsn, fewer)) == 0
    assert database.execute(COUNT).fetchone() == (100,)


def test_a_connection_that_the_server_ends_is_retryable(database, server, captions, fewer, capsys):
    assert main(arguments(database.dsn, fewer)) == 0
    database.execute("BEGIN")
    database.execute("LOCK TABLE tokens.captions")  # the export waits when it swaps

    def end_it():
        with server.connect(database.database) as other:
            helpers.wait_for(lambda: other.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name = 'narratives export' AND query LIKE 'LOCK TABLE%' "
                "AND datname = current_database()").fetchone()[0])  # fmt: skip

    ending = threading.Thread(target=end_it)
    ending.start()
    code, said = failed(arguments(database.dsn, captions), capsys)
    ending.join()
    assert code == 4 and "has ended the work" in said and "run the same command again" in said
    assert database.execute(COUNT).fetchone() == (100,)
    database.execute("COMMIT")
    assert main(arguments(database.dsn, captions)) == 0
    assert database.execute(COUNT).fetchone() == (2000,)


KILLED = """
import os, signal, sys
from transforms.versions.exports.postgres import swapping, target
from pipelines.export.job import main
left = [int(sys.argv[1])]
def count(function):
    def counted(*arguments):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments)
    return counted
target.copy_text = count(target.copy_text)
swapping.swap = count(swapping.swap)
main(sys.argv[2:])
"""


@pytest.mark.parametrize("at", [0, 5, 1000])
def test_what_a_kill_leaves_is_resumed_and_no_row_is_there_twice(at, database, captions, fewer):
    assert main(arguments(database.dsn, fewer)) == 0
    files = len(helpers.manifest_of(captions)["files"])
    at = min(at, files)  # the last: when all files are loaded and the schemas are to be swapped
    command = [sys.executable, "-c", KILLED, str(at), *arguments(database.dsn, captions)]
    environment = {**os.environ, "PYTHONPATH": str(helpers.ROOT)}
    ended = subprocess.run(command, cwd=helpers.ROOT, env=environment, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert database.execute(COUNT).fetchone() == (100,)
    assert main(arguments(database.dsn, captions)) == 0
    rows = database.execute("SELECT caption FROM tokens.captions").fetchall()
    assert sorted(row for (row,) in rows) == sorted(LINES)
    left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'tokens%'"
    assert database.execute(left).fetchone() == (1,)


def test_a_repeated_attempt_loads_a_file_once(database, captions):
    command = [*arguments(database.dsn, captions), "--direct_runner_bundle_repeat=1"]
    assert main(command) == 0
    assert database.execute(COUNT).fetchone() == (2000,)


def test_two_exports_at_once_end_with_one_of_each_row(database, captions):
    command = [sys.executable, "-m", "pipelines.export", *arguments(database.dsn, captions)]
    both = [subprocess.Popen(command, cwd=helpers.ROOT, stderr=subprocess.PIPE) for _ in "ab"]
    ends = [(process.communicate()[1], process.returncode) for process in both]
    assert 0 in [code for _, code in ends]
    assert all(code in (0, 2) for _, code in ends), ends  # what was changed meanwhile: run again
    assert database.execute(COUNT).fetchone() == (2000,)


ODD = ["a\tb\nc\rd\\e", "\\N", "\\.", "line\n\\.\nline", "", '"quoted"', "NULL", "ß✓🎈", "\x01\x1f",
       "{}", "x" * 3_000_000]  # fmt: skip


def test_odd_values_come_back_as_they_were(database, tmp_path, capsys):
    output = made.captions(tmp_path, LINES[:3])
    number = len(ODD)
    floats = [math.inf, -math.inf, math.nan, 0.1, None, 5e-324, 1.7976931348623157e308]
    rows = pa.table({
        "text": [*ODD, "a\x00b", None],
        "number": pa.array([floats[n % 7] for n in range(number + 2)], pa.float64()),
        "real": pa.array([0.1] * (number + 2), pa.float32()),
        "big": pa.array([2**64 - 1] * (number + 2), pa.uint64()),
        "raw": pa.array([b"\x00\xff\\"] * (number + 1) + [None]),
        "nested": [[{"t": text, "n": [math.nan, math.inf, 0.25]}] for text in ODD]
        + [[{"t": "\x00", "n": []}], None],
        "order": pa.array(range(number + 2), pa.int32()),
    })  # fmt: skip
    made.with_table(output, "odd", rows)
    made.with_table(output, "empty", rows.slice(0, 0))
    assert main(arguments(database.dsn, output)) == 0
    assert "2 characters U+0000" in capsys.readouterr().out
    found = database.execute('SELECT * FROM tokens.odd ORDER BY "order"').fetchall()
    assert [row[0] for row in found] == [*ODD, "a\ufffdb", None]
    for row, expected in zip(found, rows["number"].to_pylist(), strict=True):
        assert row[1] == expected or (math.isnan(row[1]) and math.isnan(expected))
    assert {str(np.float32(row[2])) for row in found} == {"0.1"}
    assert {int(row[3]) for row in found} == {2**64 - 1}
    assert [row[4] for row in found] == [b"\x00\xff\\"] * (number + 1) + [None]
    assert [row[5] and row[5][0]["t"] for row in found] == [*ODD, "\ufffd", None]
    assert found[0][5][0]["n"] == ["NaN", "Infinity", 0.25]
    assert database.execute("SELECT count(*) FROM tokens.empty").fetchone() == (0,)


def test_a_repeated_key_is_a_sentence(server, database, captions, monkeypatch, capsys):
    from transforms.core.output.exports import layouts

    keyed = {"captions": layouts.TableLayout("captions", key=("number",))}
    monkeypatch.setitem(layouts.LAYOUTS, "tokens", keyed)
    code, said = failed(arguments(database.dsn, captions), capsys)
    assert code == 2 and "cannot have its primary key" in said and "(0) is duplicated" in said
    with pytest.raises(psycopg.errors.UndefinedTable):
        database.execute(COUNT)


def test_a_corrupt_file_is_not_loaded(database, tmp_path, capsys):
    output = made.captions(tmp_path, LINES[:100])
    helpers.flip_bit(next((helpers.version_of(output) / "captions").iterdir()), 999)
    code, said = failed(arguments(database.dsn, output), capsys)
    assert code == 2 and "is not what its manifest says" in said
    with pytest.raises(UsageError, match="has no table 'images'"):
        main(arguments(database.dsn, output, "--tables", "images"))
