"""Reading YAML files: configurations and catalogs."""

import math
from typing import TYPE_CHECKING

import yaml

from transforms import storage
from transforms.core.base.errors import UsageError, shown

MAX_BYTES = 1_000_000
MAX_NODES = 100_000
MAX_LEVELS = 100

if TYPE_CHECKING:
    from yaml import SafeLoader as _Loader
else:  # libyaml's, ten times as fast, where PyYAML was built with it
    _Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeys(_Loader):
    """The safe loader, which also refuses a key that is there twice: one would be ignored."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        first: dict[object, int] = {}
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            key = self.construct_object(key_node, deep=True)
            if key_node.tag != "tag:yaml.org,2002:merge" and _is_hashable(key):
                if key in first:
                    raise _Repeated(
                        f"line {line}: the key `{shown(key)}` is there already, in line "
                        f"{first[key]}; remove one"
                    )
                first[key] = line
        return super().construct_mapping(node, deep)


class _Repeated(ValueError):
    """A key is there twice; says where."""


class _Explodes(ValueError):
    """Aliases stand for more than a file could hold."""


class _TooDeep(ValueError):
    """More levels than a parser that calls itself may be trusted with."""


def _refuse_deep_nesting(data: bytes) -> None:
    """Counts levels by events, which come one by one: libyaml's calls would fill the stack.

    Raises:
      _TooDeep: There are more than `MAX_LEVELS`.
    """
    level = 0
    for event in yaml.parse(data, _Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
            if level > MAX_LEVELS:
                raise _TooDeep
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1


def _refuse_aliases_that_explode(root: yaml.Node | None) -> None:
    """Counts what a document holds once every alias is replaced by what it stands for.

    Aliases of aliases double with every line ("billion laughs"), and one may hold itself.

    Raises:
      _Explodes: It holds more than `MAX_NODES`, or itself.
    """
    sizes: dict[int, float] = {}

    def size(node: yaml.Node) -> float:
        if id(node) not in sizes:
            sizes[id(node)] = math.inf  # until it is known: an alias of itself has no end
            parts = node.value if isinstance(node, yaml.CollectionNode) else ()
            inner = [
                part for pair in parts for part in (pair if isinstance(pair, tuple) else [pair])
            ]
            sizes[id(node)] = 1 + sum(map(size, inner))
        return sizes[id(node)]

    if root is not None and size(root) > MAX_NODES:
        raise _Explodes(f"its aliases stand for more than {MAX_NODES:,} values, or for themselves")


def _is_hashable(key: object) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True


def _load(data: bytes) -> object:
    """Makes nothing of a document before its levels and values are counted."""
    _refuse_deep_nesting(data)
    loader = _UniqueKeys(data)
    try:
        root = loader.get_single_node()
        _refuse_aliases_that_explode(root)
        return None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def read_yaml(path: str) -> object:
    """What a YAML file holds.

    Raises:
      UsageError: It cannot be read, is not valid YAML, or has a key twice.
    """
    data = storage.read_bytes(path)
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"{path}: has {len(data):,} bytes, and a YAML file of options or a catalog may have "
            f"{MAX_BYTES:,}; is it the right file?"
        )
    try:
        return _load(data)
    except _Repeated as error:
        raise UsageError(f"{path}, {error}") from error
    except _Explodes as error:
        raise UsageError(f"{path}: {error}; write the values out") from error
    except (_TooDeep, RecursionError) as error:
        raise UsageError(f"{path}: nested too deeply; write it with fewer levels") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        problem = " ".join(shown(error, 400).split())
        raise UsageError(f"{path}: not valid YAML: {problem}") from error
