"""Files of either store, for tests that ask the same of both."""

from transforms import storage


def write(root: str, *names: str) -> list[str]:
    """Writes files whose content is their name; returns their paths."""
    for name in names:
        storage.write_bytes(storage.join(root, name), name.encode())
    return [storage.join(root, name) for name in names]


def names_below(root: str) -> list[str]:
    """All files below a folder, by listing it level by level."""
    found = []
    for name in storage.list_dir(root):
        below = names_below(storage.join(root, name))
        found += [f"{name}/{other}" for other in below] or [name]
    return found
