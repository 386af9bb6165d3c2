"""Carries connections across the border of the network namespace.

A socket stays in the namespace in which it was made. So one side makes a listening socket, and a
process of the other side accepts its connections and passes them on to a port there.

`python -m engines.flink.cluster.forward DESCRIPTOR PORT` is that process; with `--listen` before
these, it makes the listening socket and sends it through the socket DESCRIPTOR.
"""

import argparse
import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence

LOOPBACK = "127.0.0.1"


def listen(port: int = 0) -> socket.socket:
    """A listening socket on loopback, here; port 0 takes any that is free."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))
    listener.listen()
    return listener


def listen_inside(port: int, enter: Callable[[Sequence[str]], list[str]]) -> socket.socket:
    """A listening socket on the namespace's loopback.

    Args:
      port: Its port.
      enter: Makes a command into one that runs inside.

    Raises:
      OSError: It could not be made; the port may be taken there.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, "-m", __name__, "--listen", str(theirs.fileno()), str(port)]
        made = subprocess.run(
            enter(command), pass_fds=[theirs.fileno()], capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise OSError(made.stderr.strip().splitlines()[-1])
        _, (descriptor,), *_ = socket.recv_fds(ours, 1, 1)
    return socket.socket(fileno=descriptor)


async def forward(listener: socket.socket, port: int) -> None:
    """Passes every connection on to a port of this side's loopback."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        writer.close()
        far_writer.close()

    server = await asyncio.start_server(connected, sock=listener)
    await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:  # one end was reset: so shall be the other
        writer.transport.abort()


def main() -> None:
    """Runs as the module's docstring says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", action="store_true")
    parser.add_argument("descriptor", type=int)
    parser.add_argument("port", type=int)
    arguments = parser.parse_args()
    given = socket.socket(fileno=arguments.descriptor)
    if arguments.listen:
        with listen(arguments.port) as listener:
            socket.send_fds(given, [b"."], [listener.fileno()])
    else:
        asyncio.run(forward(given, arguments.port))


if __name__ == "__main__":
    main()
