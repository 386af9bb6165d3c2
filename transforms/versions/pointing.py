"""Which version is current, pinned or tagged: changed by people, beside runs that publish.

What is to become current is announced first, as runs announce what they need, so that nobody
removes it meanwhile. A version is pinned before the pointer is moved: a run that publishes at the
same time either has moved the pointer before, and it is moved back, or finds the pin.
"""

from collections.abc import Callable

from transforms import storage
from transforms.core.base.errors import ChangedError, UsageError, option, shown
from transforms.core.model import layout
from transforms.units.publishing.pin import current_version, pin_path, read_name, read_pin
from transforms.units.publishing.read_version import inspect_version
from transforms.units.runs import (
    Ended,
    is_removed,
    new_run,
    note_end,
    read_pruning,
    write_begin,
    write_end,
)
from transforms.versions.survey import TAG_CHARACTERS, Survey, VersionInfo, is_tag

_ATTEMPTS = 100
"""How often a pointer is swapped that others are swapping too."""


def roll_back(survey: Survey, version: VersionInfo) -> str:
    """Makes an older version current and pins it; returns a sentence.

    Raises:
      UsageError: The version is corrupt or incomplete.
      ChangedError: It is being removed.
    """

    def move() -> str:
        pin = pin_path(survey.output)
        storage.write_bytes(pin, _named(version.name))
        storage.sync_folders([survey.output])
        before = _move_pointer(survey.output, version.name, unless=None)
        return (
            f"version {version.name} is current and pinned: runs make versions, which do not "
            f"become current until `unpin`{_was(before, version.name)}"
        )

    return _announced(survey.output, "rollback", "rolled_back", version, move)


def release(survey: Survey, version: VersionInfo) -> str:
    """Makes a complete version current that a run has held back, say; returns a sentence.

    Raises:
      UsageError: The version is corrupt or incomplete, or another one is pinned.
      ChangedError: It is being removed.
    """

    def move() -> str:
        pinned = read_pin(survey.output)
        if pinned and pinned != version.name:
            raise UsageError(
                f"the output is pinned to version {shown(pinned)}: `unpin` it first, or `rollback "
                f"{version.name}` pins this one in its place"
            )
        unless = None if pinned else pin_path(survey.output)
        before = _move_pointer(survey.output, version.name, unless)
        return f"version {version.name} is current{_was(before, version.name)}"

    return _announced(survey.output, "release", "released", version, move)


def unpin(output: str) -> str:
    """Lets runs publish again; returns a sentence.

    Raises:
      UsageError: Nothing is pinned.
    """
    pinned = read_pin(output)
    if pinned is None:
        raise UsageError(f"{output}: no version is pinned, and runs publish what they make")
    storage.remove_file(pin_path(output))
    run = new_run("unpin", version=None)
    message = f"version {shown(pinned)} is not pinned any more: it stays current until a run "
    message += "publishes, or `release` makes another one current"
    note_end(output, run, Ended(status="unpinned", version=pinned, message=message), False)
    return message


def add_tag(survey: Survey, version: VersionInfo, name: str) -> str:
    """Gives a version a tag; returns a sentence.

    Raises:
      UsageError: No tag can have the name, or another version has it.
      ChangedError: The version is being removed.
    """
    if not is_tag(name):
        raise UsageError(
            f"no tag can be called {shown(name)!r}: give up to {TAG_CHARACTERS} letters, digits, "
            "-, _ or . that do not look like a version's name, such as paper-2026"
        )
    path = storage.join(survey.output, layout.TAGS, name)
    if not storage.create_exclusively(path, _named(version.name)):
        held = read_name(path)
        if held != version.name:
            raise UsageError(
                f"{survey.output}: version {shown(held)} has the tag {name!r}: `untag {name}` "
                "first, or choose another"
            )
    pruning = read_pruning(survey.output)
    if pruning and version.name in pruning.versions:
        storage.remove_file(path)
        raise ChangedError(_removing(version.name))
    return f"version {version.name} has the tag {name}"


def remove_tag(survey: Survey, name: str) -> str:
    """Takes a tag from its version; returns a sentence.

    Raises:
      UsageError: There is no such tag.
    """
    if name not in survey.tags:
        known = ", ".join(survey.tags) or "none"
        raise UsageError(f"{survey.output}: there is no tag {shown(name)!r}; there is: {known}")
    storage.remove_file(storage.join(survey.output, layout.TAGS, name))
    return f"version {shown(survey.tags[name])} has no longer the tag {name}"


def check_complete(output: str, version: VersionInfo) -> None:
    """Compares all of a version's files with their checksums.

    Raises:
      UsageError: One differs, or the manifest cannot be read.
    """
    if version.manifest is None:
        raise UsageError(version.why)
    folder = storage.join(output, layout.version_folder(version.name))
    _, corrupt = inspect_version(folder, thorough=True)
    if corrupt:
        raise UsageError(
            f"{folder}: {len(corrupt)} of {len(version.manifest.listed)} files are missing or "
            f"corrupt, the first {corrupt[0]!r}: `verify {version.name}` with {option('repair')} "
            "rebuilds what the units still have"
        )


def _announced(
    output: str, command: str, status: str, version: VersionInfo, move: Callable[[], str]
) -> str:
    """Moves the pointer, while the version is announced as one that is needed."""
    base = current_version(output)
    run = new_run(command, base=base, version=version.name)
    write_begin(output, run)
    try:
        if is_removed(run, read_pruning(output)):
            raise ChangedError(_removing(version.name))
        check_complete(output, version)
        message = move()
    except UsageError as error:
        note_end(output, run, Ended(status="wrong_use", message=str(error)))
        raise
    write_end(output, run.run, Ended(status=status, version=version.name, message=message))
    return message


def _removing(version: str) -> str:
    return (
        f"`prune` is removing version {version}, or what is current, at the moment: look at `list` "
        "when it has ended"
    )


def _move_pointer(output: str, version: str, unless: str | None) -> str | None:
    """Makes the pointer name a version, whatever it names; returns what it named.

    It is written even if it names the version already: a run that has looked at it before does
    not swap it then.
    """
    pointer = storage.join(output, layout.CURRENT)
    for _ in range(_ATTEMPTS):
        held = current_version(output)
        expected = None if held is None else _named(held)
        if storage.swap_pointer(pointer, expected, _named(version), unless):
            return held
        if unless and read_pin(output):
            break
    raise ChangedError(
        f"{pointer}: others keep changing it: look at `list`, and run the same command again"
    )


def _named(name: str) -> bytes:
    return f"{name}\n".encode("latin-1")


def _was(before: str | None, version: str) -> str:
    return f"; before it was {shown(before)}" if before and before != version else ""
