"""What a folder of samples says of itself, `metadata.json`, as FiftyOne's `Dataset` writes it.

FiftyOne takes samples into its database as they are, so each of their fields is declared here; one
that is not is not seen. The fields that a label has of its class are those of the library.
"""

import json
from typing import Any

from transforms.core.output.exports.fiftyone.samples import BOX_FLAGS

FORMAT_VERSION = "1.22.1"
"""The version of FiftyOne that it is written for; later ones migrate it, earlier ones refuse it."""

_FIELDS, _LABELS = "fiftyone.core.fields", "fiftyone.core.labels"
_DOCUMENT, _LIST = f"{_FIELDS}.EmbeddedDocumentField", f"{_FIELDS}.ListField"

_NARRATIVE = {"narrative_id": "String", "annotator": "String"}
_TIMES = {"start_time": "Float", "end_time": "Float"}
_SCORES = {"confidence": "Float", "index": "Int"}
_DETECTION = {"mask": "Array", "mask_path": "String", **_SCORES}

LABELS: dict[str, tuple[str, dict[str, str]]] = {
    "captions": (
        "Classification",
        {"confidence": "Float", "logits": "Vector", **_NARRATIVE, "distance": "Int"},
    ),
    "boxes": (
        "Detection",
        {**_DETECTION, "class_id": "String", "source": "String",
         **dict.fromkeys(BOX_FLAGS, "Boolean")},
    ),
    "words": ("Detection", {**_DETECTION, **_NARRATIVE, **_TIMES, "crosses_gap": "Boolean"}),
    "trace": (
        "Polyline",
        {"points": "PolylinePoints", **_SCORES, "closed": "Boolean", "filled": "Boolean",
         **_NARRATIVE, **_TIMES},
    ),
    "mentions": (
        "Detection",
        {**_DETECTION, **_NARRATIVE, "class_id": "String", "text": "String", **_TIMES,
         "box_index": "Int", "mean_distance": "Float"},
    ),
}  # fmt: skip
"""Class and scalar fields of the labels in each field of a sample."""

_DESCRIPTIONS = {
    "captions": "what the annotators said",
    "boxes": "the image's boxes",
    "words": "words at the box of their segment of the trace",
    "trace": "traces, a line for each run in which the pointer did not leave the image",
    "mentions": "mentions of classes at their closest box",
}


def describe_fields() -> list[dict[str, Any]]:
    """The fields of a sample."""
    return [
        _field("id", "ObjectId", db_field="_id"),
        _field("filepath", "String"),
        _list("tags", "String"),
        _document("metadata", "fiftyone.core.metadata.ImageMetadata", [
            _field("size_bytes", "Int"),
            _field("mime_type", "String"),
            *(_field(name, "Int") for name in ("width", "height", "num_channels")),
        ]),
        *(_field(name, "DateTime", read_only=True) for name in ("created_at", "last_modified_at")),
        _field("_media_type", "String"),
        _field("_rand", "Float"),
        _field("_dataset_id", "ObjectId"),
        *(_field(name, "String") for name in ("dataset", "split", "image_id", "url", "licence")),
        _list("narrative_ids", "String"),
        *(_label_list(name, kind, own) for name, (kind, own) in LABELS.items()),
    ]  # fmt: skip


def metadata_file(name: str) -> bytes:
    """What `metadata.json` holds.

    Args:
      name: The version.
    """
    told = {
        "name": f"localized-narratives-{name}",
        "version": FORMAT_VERSION,
        "media_type": "image",
        "info": {"description": "Localized Narratives", "version": name},
        "sample_fields": describe_fields(),
    }
    return json.dumps(told, indent=1).encode() + b"\n"


def _label_list(name: str, kind: str, own: dict[str, str]) -> dict[str, Any]:
    fields = [_field("id", "ObjectId", db_field="_id"), _list("tags", "String")]
    if kind != "Classification":
        attributes = _field("attributes", "Dict")
        fields += [
            attributes | {"subfield": _DOCUMENT, "embedded_doc_type": f"{_LABELS}.Attribute"}
        ]
    fields += [_field("label", "String")]
    fields += [_list("bounding_box", "Float")] if kind == "Detection" else []
    fields += [_list("times", "Float")] if kind == "Polyline" else []
    fields += [_field(one, type_) for one, type_ in own.items()]
    labels = _described(f"{kind.lower()}s", _LIST, f"{_LABELS}.{kind}", _DOCUMENT, fields)
    described = [labels, *([_field("logits", "Vector")] if kind == "Classification" else [])]
    made = _document(name, f"{_LABELS}.{kind}s", described)
    return made | {"description": _DESCRIPTIONS[name]}


def _field(name: str, kind: str, db_field: str = "", read_only: bool = False) -> dict[str, Any]:
    made = _described(name, f"{_FIELDS}.{kind}Field", None, None, [])
    return made | {"db_field": db_field or name, "read_only": read_only}


def _list(name: str, kind: str) -> dict[str, Any]:
    return _described(name, _LIST, None, f"{_FIELDS}.{kind}Field", [])


def _document(name: str, kind: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return _described(name, _DOCUMENT, kind, None, fields)


def _described(
    name: str, ftype: str, document: str | None, subfield: str | None, fields: list[dict[str, Any]]
) -> dict[str, Any]:
    return {"name": name, "ftype": ftype, "embedded_doc_type": document, "subfield": subfield,
            "fields": fields, "db_field": name, "description": None, "info": None,
            "read_only": False}  # fmt: skip
