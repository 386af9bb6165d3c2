"""Runs a command, then prints how often the kernel was asked for a way out that there is not.

`unshare --net python -m tests.engines.counted COMMAND …`: in a network namespace without any
interface every such question is a call to the network, whichever library it is from.
"""

import json
import pathlib
import subprocess
import sys


def unanswered() -> dict[str, int]:
    """Packets and connections without a route so far, by protocol."""
    names, values = (
        line.split()
        for line in pathlib.Path("/proc/net/snmp").read_text().splitlines()
        if line.startswith("Ip:")
    )
    newer = dict(map(str.split, pathlib.Path("/proc/net/snmp6").read_text().splitlines()))
    return {
        "IPv4": int(values[names.index("OutNoRoutes")]),
        "IPv6": int(newer.get("Ip6OutNoRoutes", 0)),
    }


if __name__ == "__main__":
    ended = subprocess.run(sys.argv[1:])
    print(json.dumps(unanswered()))
    sys.exit(ended.returncode)
