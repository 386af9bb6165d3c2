"""JSON written by hand: odd spellings, repeated keys and any order, which `json.dumps` can't."""

import json


class Raw(str):
    """Text that stands for a value as it is."""


class Members(list):
    """An object as a list of (key, value): keys may come twice."""


def from_json(value):
    """A decoded value with its objects as `Members`."""
    if isinstance(value, dict):
        return Members((key, from_json(item)) for key, item in value.items())
    return [from_json(item) for item in value] if isinstance(value, list) else value


def dump(value, gap=""):
    """JSON text; `gap` is the white space between tokens."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Members):
        parts = [f"{json.dumps(key)}{gap}:{gap}{dump(item, gap)}" for key, item in value]
        return f"{{{gap}{f'{gap},{gap}'.join(parts)}{gap}}}"
    if isinstance(value, list):
        return f"[{gap}{f'{gap},{gap}'.join(dump(item, gap) for item in value)}{gap}]"
    return json.dumps(value, ensure_ascii=False)


def containers(value):
    """All objects and lists in a value, itself first."""
    if isinstance(value, list):
        yield value
        for item in value:
            yield from containers(item[1] if isinstance(value, Members) else item)
