"""Worker processes of the local engine, watched.

Beam's own handler of such processes waits without end in two cases: when a process dies (killed for
its memory, say), and when a pipeline ends before a process has connected. And its processes outlive
this one where it is killed before they have connected.
"""

import os
import subprocess
import sys
import threading
from typing import Any, TextIO

from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2, endpoints_pb2
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.transforms.environments import SubprocessSDKEnvironment
from google.protobuf import json_format, text_format

from pipelines.cli import stopping
from pipelines.cli.engines.loopback import LOOPBACK, bind_to_loopback
from transforms.core.base.errors import WORKER_ENDED
from transforms.core.base.memory import ONE_HEAP

_READERS = {"beam_control_read", "read_grpc_client_inputs"}
"""Names of Beam's threads that fail when the worker that they read from has died."""

_PAUSE = 0.1
"""Seconds between two looks at what a dead worker is asked."""


def worker_processes(log: TextIO) -> SubprocessSDKEnvironment:
    """Beam's environment of worker processes on this machine.

    What this process would print of a worker's end, beside its own error, it prints no more.

    Args:
      log: File for what they say: tracebacks of what is raised in this process too.
    """
    threading.excepthook = _tell_of_thread
    bind_to_loopback()
    return SubprocessSDKEnvironment.from_command_string(str(log.fileno()))


def _tell_of_thread(failed: threading.ExceptHookArgs) -> None:
    """As Python does, but for threads that have nothing to tell beside what this process raises."""
    if failed.thread is None or failed.thread.name not in _READERS:
        threading.__excepthook__(failed)


@worker_handlers.WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
class WatchedWorker(worker_handlers.GrpcWorkerHandler):
    """One worker process; in place of Beam's handler for the same environment."""

    def __init__(self, log: bytes, state: Any, provision_info: Any, grpc_server: Any) -> None:
        super().__init__(state, provision_info, grpc_server)
        self._log = int(log)

    def host_from_worker(self) -> str:
        return LOOPBACK

    def start_worker(self) -> None:
        self._closed = threading.Event()
        # A thread that stays: the kernel takes the end of the one that starts a process for the
        # end of its parent.
        self.worker_thread = threading.Thread(name="run_worker", target=self._run)
        self.worker_thread.start()

    def stop_worker(self) -> None:
        self.worker_thread.join()

    def _run(self) -> None:
        command = [sys.executable, "-m", "pipelines.cli.engines.local_worker", str(os.getpid())]
        with subprocess.Popen(command, env=self._environment(), stderr=self._log) as process:
            with stopping.ending_with_this_process(process.pid):
                code = process.wait()
        while code and not self._closed.wait(_PAUSE):  # it has ended, and not well
            self._refuse()

    def _environment(self) -> dict[str, str]:
        """What Beam's worker program is told by."""
        control = endpoints_pb2.ApiServiceDescriptor(url=self.control_address)
        options = self.provision_info.provision_info.pipeline_options
        return {
            **os.environ,
            **ONE_HEAP,
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(control),
            "PIPELINE_OPTIONS": json_format.MessageToJson(options),
            "WORKER_ID": self.worker_id,
        }

    def _refuse(self) -> None:
        """Answers in the worker's place whatever it is asked and has not answered."""
        for asked in list(self.control_conn._futures_by_id.values()):
            answer = beam_fn_api_pb2.InstructionResponse(
                instruction_id=asked.instruction_id, error=WORKER_ENDED
            )
            asked.set(answer)

    def close(self) -> None:
        self._closed.set()
        # For a worker that has not connected yet: else nothing would tell it that all is over.
        self.control_conn.push(worker_handlers.BeamFnControlServicer._DONE_MARKER)
        super().close()
