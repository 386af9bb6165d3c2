"""One SDK worker: what a TaskManager starts in the environment PROCESS, by worker.sh.

Beam's containers have a program of this kind, `boot`, which also installs what a job has staged.
This one does not: the project and its dependencies are those of the interpreter that runs it.

`python -m engines.flink.worker.worker --id=… --provision_endpoint=…` with the flags of Beam.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from transforms.core.base.memory import ONE_HEAP

TIMEOUT_SECONDS = 60
"""Seconds within which the TaskManager answers."""


def main(argv: Sequence[str] | None = None) -> None:
    """Asks the TaskManager what to do and works until it needs nothing more."""
    arguments = _parse(argv)
    if not ONE_HEAP.items() <= os.environ.items():
        # The C library reads it when a process begins.
        command = [sys.executable, "-m", "engines.flink.worker.worker", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **ONE_HEAP})
    from apache_beam.runners.worker import sdk_worker_main

    os.environ.update(describe(arguments))
    sdk_worker_main.main(sys.argv)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("id", "provision_endpoint", "control_endpoint", "logging_endpoint"):
        parser.add_argument(f"--{name}", default="")
    return parser.parse_known_args(argv)[0]


def describe(arguments: argparse.Namespace) -> dict[str, str]:
    """The environment variables from which Beam's worker learns what to do.

    Args:
      arguments: The flags. What they do not say the TaskManager tells at `provision_endpoint`.
    """
    from apache_beam.portability.api import endpoints_pb2
    from google.protobuf import json_format, text_format

    def descriptor(url: str) -> str:
        return text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url))

    info = _ask(arguments)
    return {
        "WORKER_ID": arguments.id,
        "CONTROL_API_SERVICE_DESCRIPTOR": descriptor(
            info.control_endpoint.url or arguments.control_endpoint
        ),
        "LOGGING_API_SERVICE_DESCRIPTOR": descriptor(
            info.logging_endpoint.url or arguments.logging_endpoint
        ),
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }


def _ask(arguments: argparse.Namespace) -> Any:
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2 as messages
    from apache_beam.portability.api import beam_provision_api_pb2_grpc as services

    with grpc.insecure_channel(arguments.provision_endpoint) as channel:
        stub = services.ProvisionServiceStub(channel)
        answer = stub.GetProvisionInfo(
            messages.GetProvisionInfoRequest(),
            timeout=TIMEOUT_SECONDS,
            metadata=[("worker_id", arguments.id)],
            wait_for_ready=True,
        )
    return answer.info


if __name__ == "__main__":
    main()
