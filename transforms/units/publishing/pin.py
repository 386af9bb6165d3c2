"""The pin: a version that stays current, whatever runs make, until somebody unpins it."""

from transforms import storage
from transforms.core.model import layout


def pin_path(output: str) -> str:
    """The file that names the pinned version."""
    return storage.join(output, layout.PINNED)


def read_pin(output: str) -> str | None:
    """The version that is pinned, whatever the file's bytes are; None where none is."""
    path = pin_path(output)
    return read_name(path) if storage.existing([path]) else None


def read_name(path: str) -> str:
    """What a file names that holds a name."""
    return storage.read_bytes(path).strip().decode("latin-1")


def current_version(output: str) -> str | None:
    """The version that an output's pointer names, whatever its bytes are."""
    pointer = storage.join(output, layout.CURRENT)
    if not storage.existing([pointer]):
        return None
    return read_name(pointer) or None
