"""The columns of each kind of file: under which names, as what, and what they must hold."""

from collections.abc import Mapping

import pyarrow as pa

from transforms.core.model.columns import CORNERS, TERM
from transforms.core.sources.annotations.problems import Column
from transforms.core.sources.annotations.releases.schemas import BOX_FLAGS

_TEXT, _NUMBER, _WHOLE, _FLAG = pa.string(), pa.float64(), pa.int64(), pa.int8()
_VOTES = pa.int32()

_PASCAL = {name: "".join(part.title() for part in name.split("_")) for name in CORNERS}
_IMAGE_ID = Column("ImageID", "image_id", _TEXT, required=True, filled=True)
_CLASS = Column("LabelName", "class_id", TERM, required=True, filled=True)
_SOURCE = Column("Source", "source", TERM)
_CONFIDENCE = Column("Confidence", "confidence", _NUMBER)
_CLASSES = tuple(
    Column(f"LabelName{place}", f"class_id_{place}", TERM, required=True, filled=True)
    for place in (1, 2)
)
_RELATION = Column("RelationshipLabel", "relationship", TERM, required=True, filled=True)


def _corners(name: str = "{}", target: str = "{}") -> tuple[Column, ...]:
    return tuple(
        Column(name.format(_PASCAL[corner]), target.format(corner), _NUMBER, True, True)
        for corner in CORNERS
    )


COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "images": (
        _IMAGE_ID,
        Column("Subset", "split", TERM),
        Column("OriginalURL", "original_url", _TEXT, required=True),
        Column("OriginalLandingURL", "original_landing_url", _TEXT),
        Column("License", "license", TERM),
        Column("AuthorProfileURL", "author_profile_url", _TEXT),
        Column("Author", "author", _TEXT),
        Column("Title", "title", _TEXT),
        Column("OriginalSize", "original_size", _WHOLE),
        Column("OriginalMD5", "original_md5", _TEXT),
        Column("Thumbnail300KURL", "thumbnail_300k_url", _TEXT),
        Column("Rotation", "rotation", _NUMBER),
    ),
    "labels": (
        _IMAGE_ID,
        _SOURCE,
        _CLASS,
        Column("Confidence", "confidence", _NUMBER, required=True, filled=True),
    ),
    "boxes": (
        _IMAGE_ID,
        _SOURCE,
        _CLASS,
        _CONFIDENCE,
        *_corners(),
        *(
            Column("".join(part.title() for part in flag.split("_")), flag, _FLAG)
            for flag in BOX_FLAGS
        ),
    ),
    "masks": (
        Column("MaskPath", "mask_path", _TEXT, required=True, filled=True),
        _IMAGE_ID,
        _CLASS,
        Column("BoxID", "box_id", _TEXT),
        *_corners("Box{}", "box_{}"),
        Column("PredictedIoU", "predicted_iou", _NUMBER),
        Column("Clicks", "clicks", _TEXT),
    ),
    "relationships": (
        _IMAGE_ID,
        *_CLASSES,
        *_corners("{}1", "{}_1"),
        *_corners("{}2", "{}_2"),
        _RELATION,
    ),
    "point_labels": (
        _IMAGE_ID,
        Column("X", "x", _NUMBER, required=True, filled=True),
        Column("Y", "y", _NUMBER, required=True, filled=True),
        Column("Label", "class_id", TERM, required=True, filled=True),
        Column("EstimatedYesNo", "estimated_yes_no", TERM),
        _SOURCE,
        Column("YesVotes", "yes_votes", _VOTES),
        Column("NoVotes", "no_votes", _VOTES),
        Column("UnsureVotes", "unsure_votes", _VOTES),
        Column("TextLabel", "text_label", _TEXT),
    ),
    "triplets": (
        *_CLASSES,
        _RELATION,
    ),
    "class_entries": (
        Column("LabelName", "class_id", _TEXT, required=True, filled=True),
        Column("DisplayName", "name", _TEXT),
    ),
}
"""By kind of file; a kind's columns may come in any order, and others beside them are not kept."""
