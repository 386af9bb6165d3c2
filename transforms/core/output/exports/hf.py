"""Tables as Hugging Face's `datasets` declares them: features, of which some are class labels.

Features stand in a Parquet schema's metadata as JSON, and in the head of `README.md` as YAML; both
forms are those that `datasets` itself writes.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.base.errors import UsageError, shown
from transforms.core.model.narratives.schemas import FLAGS

Labels = Mapping[str, Sequence[str]]
"""Names of the classes of columns that are class labels, by column."""

CLOSED: Mapping[str, Labels] = {
    "narratives": {"flags": FLAGS, "boxes_status": ("boxed", "none", "unknown")},
    "discarded": {"flags": FLAGS},
}
"""Columns whose values are known beforehand, by table."""

GROUPS = ("dataset", "release", "collection")
"""Columns that say which of several data sets a row is of."""

_SPLITS = ("train", "validation", "test")
_METADATA = b"huggingface"


def feature_of(type_: pa.DataType, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The feature of a type.

    Args:
      type_: The column's type.
      names: Names of classes, where the column, or what its lists hold, is a class label.

    >>> feature_of(pa.list_(pa.dictionary(pa.int32(), pa.string())))
    {'feature': {'dtype': 'string', '_type': 'Value'}, '_type': 'List'}
    """
    if pa.types.is_list(type_):
        return {"feature": feature_of(type_.value_type, names), "_type": "List"}
    if pa.types.is_struct(type_):
        return {field.name: feature_of(field.type) for field in type_}
    if names is not None:
        return {"names": list(names), "_type": "ClassLabel"}
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    dtype = {"double": "float64", "float": "float32"}.get(str(type_), str(type_))
    return {"dtype": dtype, "_type": "Value"}


def features_of(schema: pa.Schema, labels: Labels) -> dict[str, Any]:
    """The features of a table's columns."""
    return {field.name: feature_of(field.type, labels.get(field.name)) for field in schema}


def yaml_features(features: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Features as the head of a card has them.

    >>> yaml_features({"a": {"feature": {"dtype": "int8", "_type": "Value"}, "_type": "List"}})
    [{'name': 'a', 'list': 'int8'}]
    """
    return [{"name": name, **_as_yaml(feature)} for name, feature in features.items()]


def _as_yaml(feature: Mapping[str, Any]) -> dict[str, Any]:
    kind = feature.get("_type")
    if kind == "Value":
        return {"dtype": feature["dtype"]}
    if kind == "ClassLabel":
        numbered = {str(number): name for number, name in enumerate(feature["names"])}
        return {"dtype": {"class_label": {"names": numbered}}}
    if kind == "List":
        below = _as_yaml(feature["feature"])
        if list(below) == ["struct"]:
            return {"list": below["struct"]}
        return {"list": below["dtype"] if list(below) == ["dtype"] else below}
    return {"struct": yaml_features(feature)}


def with_labels(table: str, rows: pa.Table, labels: Labels) -> pa.Table:
    """Rows whose class labels are numbers, with features in the schema's metadata.

    Args:
      table: The table's name, for messages.
      rows: Its rows.
      labels: Its class labels.

    Raises:
      UsageError: A value is none of a column's classes.
    """
    features = features_of(rows.schema, labels)
    for name, names in labels.items():
        place = rows.schema.get_field_index(name)
        field = rows.schema.field(place)
        numbers = _numbered(table, name, rows[name].combine_chunks(), names)
        # `datasets` compares nullability too, and knows no columns that are never null.
        made = field.with_type(numbers.type).with_nullable(True)
        rows = rows.set_column(place, made, numbers)
    told = json.dumps({"info": {"features": features}}).encode()
    return rows.replace_schema_metadata({**(rows.schema.metadata or {}), _METADATA: told})


def _numbered(table: str, column: str, values: pa.Array, names: Sequence[str]) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_list(values.type):
        flat = _numbered(table, column, values.flatten(), names)
        lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
        offsets = pa.array([0, *lengths.cumsum().tolist()], pa.int32())
        return pa.ListArray.from_arrays(
            offsets, flat, pa.list_(pa.field("element", pa.int64())), mask=values.is_null()
        )
    plain = values.cast(pa.string())
    numbers = pc.index_in(plain, value_set=pa.array(names, pa.string())).cast(pa.int64())
    strange = plain.filter(pc.and_(plain.is_valid(), numbers.is_null()))
    if len(strange):
        raise UsageError(
            f"table {table}, column {column}: {shown(strange[0].as_py())!r} is none of its "
            "classes: export the version with the program that made it"
        )
    return numbers


def plain_name(name: str | None) -> str:
    """A data set's or split's name as configurations, splits and files of `datasets` are called.

    >>> plain_name("open_images"), plain_name("my set"), plain_name(None), plain_name("all")
    ('open_images', 'my_set', 'unknown', 'all_')
    """
    plain = re.sub("[^A-Za-z0-9_]", "_", name or "unknown")
    return f"{plain}_" if plain == "all" else plain  # a word that `datasets` keeps for itself


def in_order(splits: Sequence[str]) -> list[str]:
    """Splits as people expect them.

    >>> in_order(["dev", "test", "train"])
    ['train', 'test', 'dev']
    """
    known = [split for split in _SPLITS if split in splits]
    return [*known, *(split for split in splits if split not in known)]
