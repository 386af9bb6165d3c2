"""Worker processes of the local engine, watched.

Beam's own handler of such processes waits without end in two cases: when a process dies (killed for
its memory, say), and when a pipeline ends before a process has connected.
"""

import logging
import shlex
import sys
import threading

from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from transforms.core.errors import WORKER_ENDED
from transforms.core.memory import ONE_HEAP

_READERS = {"beam_control_read", "read_grpc_client_inputs"}
"""Names of Beam's threads that fail when the worker that they read from has died."""

_PAUSE = 0.1
"""Seconds between two looks at what a dead worker is asked."""


def worker_processes(log: str) -> SubprocessSDKEnvironment:
    """Beam's environment of worker processes on this machine.

    What this process would print of a worker's end, beside its own error, it prints no more.

    Args:
      log: File for what they say: tracebacks of what is raised in this process too.
    """
    threading.excepthook = _tell_of_thread
    # What a worker fails of it prints, too.
    logging.getLogger(local_job_service.__name__).setLevel(logging.CRITICAL + 1)
    settings = " ".join(f"{name}={value}" for name, value in ONE_HEAP.items())
    program = f"{shlex.quote(sys.executable)} -m apache_beam.runners.worker.sdk_worker_main"
    command = f"{settings} exec {program} 2>>{shlex.quote(log)}"
    return SubprocessSDKEnvironment.from_command_string(command)


def _tell_of_thread(failed: threading.ExceptHookArgs) -> None:
    """As Python does, but for threads that have nothing to tell beside what this process raises."""
    if failed.thread is None or failed.thread.name not in _READERS:
        threading.__excepthook__(failed)


@worker_handlers.WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
class WatchedWorker(worker_handlers.SubprocessSdkWorkerHandler):
    """One worker process; in place of Beam's handler for the same environment."""

    def start_worker(self) -> None:
        self._closed = threading.Event()
        self.worker = local_job_service.SubprocessSdkWorker(
            self._worker_command_line, self.control_address, self.provision_info, self.worker_id
        )
        self.worker_thread = threading.Thread(name="run_worker", target=self._run)
        self.worker_thread.start()

    def _run(self) -> None:
        try:
            self.worker.run()
        except RuntimeError:  # it has ended, and not well
            while not self._closed.wait(_PAUSE):
                self._refuse()

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
