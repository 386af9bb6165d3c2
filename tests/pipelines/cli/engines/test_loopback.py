"""Ports that a run opens: none can be reached from another machine."""

import os
import socket

from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

from pipelines.cli.engines.loopback import bind_to_loopback
from tests import build_helpers as helpers
from tests.pipelines.build.test_build_failures import record_files, started

LOCAL = ("0100007F:", "00000000000000000000000001000000:", "0000000000000000FFFF00000100007F:")
"""127.0.0.1, ::1, and the former as an address of IPv6."""


def test_a_run_with_worker_processes_listens_on_the_loopback_interface_only(tmp_path):
    with started(tmp_path, "--workers", 2) as run:
        helpers.wait_for(lambda: record_files(tmp_path) or run.process.poll() is not None)
        family = [run.process.pid, *helpers.descendants(run.process.pid)]
        found = helpers.listening(family)
    assert len(family) == 3
    assert len(found) >= 4  # Beam's servers of control, data, state and logs
    assert [address for address in found if not address.startswith(LOCAL)] == []


def test_flinks_workers_in_this_process_are_asked_for_on_the_loopback_interface_only():
    bind_to_loopback()
    bind_to_loopback()  # once is enough, and twice does no harm
    before = helpers.listening([os.getpid()])
    address, server = BeamFnExternalWorkerPoolServicer.start()
    try:
        found = helpers.listening([os.getpid()]) - before
        assert len(found) == 1 and found.pop().startswith(LOCAL)
        socket.create_connection(address.split(":"), timeout=30).close()
    finally:
        server.stop(0)
