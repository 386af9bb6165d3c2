"""Ports of this process and its workers: for this machine only.

Beam's servers for workers on the same machine listen on all interfaces, without any
authentication, and execute what they are sent.
"""

import types
from typing import Any

from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker import worker_pool_main

LOOPBACK = "127.0.0.1"
_ALL_INTERFACES = "[::]"


class _LoopbackGrpc:
    """The module `grpc`, whose servers listen on the loopback interface where on all was asked."""

    def __init__(self, grpc: types.ModuleType) -> None:
        self._grpc = grpc

    def __getattr__(self, name: str) -> Any:
        return getattr(self._grpc, name)

    def server(self, *arguments: Any, **settings: Any) -> Any:
        """As `grpc.server`."""
        server = self._grpc.server(*arguments, **settings)
        add = server.add_insecure_port
        server.add_insecure_port = lambda address: add(address.replace(_ALL_INTERFACES, LOOPBACK))
        return server


def bind_to_loopback() -> None:
    """Lets the servers that Beam will start in this process listen on the loopback interface.

    These are the local engine's for its workers, and the one by which Flink's environment
    LOOPBACK asks for workers in this process.
    """
    for module in (worker_handlers, worker_pool_main):
        if not isinstance(module.grpc, _LoopbackGrpc):
            module.grpc = _LoopbackGrpc(module.grpc)
