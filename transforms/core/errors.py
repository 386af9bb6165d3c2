"""Errors that end a command with a sentence in place of a traceback."""


class UsageError(ValueError):
    """Wrong use or unusable input: one sentence that names the place and the remedy."""


class EngineError(RuntimeError):
    """The engine failed; says what with, and where the whole traceback is."""


WORKER_ENDED = "a worker process ended before its work was done, perhaps for want of memory"
CHANGED = "{!r} was changed during the run: run the same command again"
