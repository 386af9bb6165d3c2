"""A network namespace that has nothing but loopback.

Beam's job server listens on every interface, whatever it is told. In here there is only one.
"""

import fcntl
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence

KINDS = {"network": ["-n"], "user": ["-r", "-n"]}
"""How `unshare` makes one: as root, or in a user namespace of its own."""

READY = "loopback is up"

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # of netdevice(7)


def find_kind() -> str | None:
    """How this user may make a network namespace, None where not at all."""
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        return None
    for kind, flags in KINDS.items():
        attempt = subprocess.run(["unshare", *flags, "true"], capture_output=True, check=False)
        if attempt.returncode == 0:
            return kind
    return None


def make(kind: str) -> list[str]:
    """The command of the process that makes a namespace and keeps it as long as it lives."""
    return ["unshare", *KINDS[kind], "--", sys.executable, "-m", __name__]


def enter(kind: str, keeper: int, command: Sequence[str]) -> list[str]:
    """A command that runs inside, under the process number that it is started with.

    Args:
      kind: How the namespace was made.
      keeper: Process number of its keeper.
      command: What is to run.
    """
    user = ["-U", "--preserve-credentials"] if kind == "user" else []
    return ["nsenter", "-t", str(keeper), *user, "-n", "--", *command]


def raise_loopback() -> None:
    """Sets the loopback interface up, as `ip link set lo up` does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack_from("16xh", fcntl.ioctl(probe, _GET_FLAGS, request))
        fcntl.ioctl(probe, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


if __name__ == "__main__":
    raise_loopback()
    print(READY, flush=True)
    signal.pause()
