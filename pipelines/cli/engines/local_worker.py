"""A worker process of the local engine, which ends with the process that has started it.

`python -m pipelines.cli.engines.local_worker PARENT`, where PARENT is that process's id.
"""

import os
import signal
import sys
import threading
import time

from pipelines.cli import stopping
from transforms.core.base.memory import collect_seldom
from transforms.units.reading.deadly.forks import end_with_parent

_LOOK_SECONDS = 0.5
_GRACE_SECONDS = 3.0
"""How long a worker whose parent has gone may take to remove what it has not finished."""


def end_with(parent: int) -> None:
    """Ends this process soon after its parent, however that ends.

    Linux sends SIGTERM at the parent's death; elsewhere, and should the main thread be busy in
    foreign code then, a thread looks.
    """
    end_with_parent(signal.SIGTERM)
    if os.getppid() != parent:  # it has gone before the kernel was asked
        os._exit(stopping.exit_code())
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os._exit(stopping.exit_code())


def main() -> None:
    """Serves the parent until that has no more work."""
    end_with(int(sys.argv[1]))
    collect_seldom()
    stopping.choose_temporary_folder()
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
