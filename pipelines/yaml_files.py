"""Reading YAML files: configurations and catalogs."""

import yaml

from transforms import storage
from transforms.core.errors import UsageError, shown


class _UniqueKeys(yaml.SafeLoader):
    """The safe loader, which also refuses a key that is there twice: one would be ignored."""

    def construct_mapping(self, node, deep=False):
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


def _is_hashable(key: object) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True


def read_yaml(path: str) -> object:
    """What a YAML file holds.

    Raises:
      UsageError: It cannot be read, is not valid YAML, or has a key twice.
    """
    data = storage.read_bytes(path)
    try:
        return yaml.load(data, _UniqueKeys)
    except _Repeated as error:
        raise UsageError(f"{path}, {error}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: nested too deeply; write it with fewer levels") from error
    except yaml.YAMLError as error:
        problem = " ".join(shown(error, 400).split())
        raise UsageError(f"{path}: not valid YAML: {problem}") from error
