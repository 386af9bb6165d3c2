"""Boxes, labels, images and classes of Open Images (CSV) or COCO (instances JSON).

Returned as an `Annotations`: dictionaries from image id to rows in file order.
"""

import csv
import dataclasses
import json

FLAG_COLUMNS = {
    "is_occluded": "IsOccluded",
    "is_truncated": "IsTruncated",
    "is_group_of": "IsGroupOf",
    "is_depiction": "IsDepiction",
    "is_inside": "IsInside",
}
IMAGE_COLUMNS = {
    "subset": "Subset",
    "url": "OriginalURL",
    "landing_url": "OriginalLandingURL",
    "licence": "License",
    "author_profile_url": "AuthorProfileURL",
    "author": "Author",
    "title": "Title",
    "original_size": "OriginalSize",
    "original_md5": "OriginalMD5",
    "thumbnail_url": "Thumbnail300KURL",
    "rotation": "Rotation",
}


OTHERS_IMAGES = ("coco", "flickr30k", "ade20k")
"""Datasets that are not over images of Open Images."""


@dataclasses.dataclass
class Annotations:
    """What is known of images: `classes` is a list of (class id, name) in file order."""

    classes: list
    images: dict
    boxes: dict
    labels: dict
    of_coco: bool = False

    def knows(self, image_id):
        """Whether there is any row with an image id."""
        return any(image_id in rows for rows in (self.images, self.boxes, self.labels))

    def of_dataset(self, dataset):
        """What may be said of a dataset's images: Flickr30k's and ADE20k's are in no file."""
        same = dataset == "coco" if self.of_coco else dataset not in OTHERS_IMAGES
        return self if same else Annotations(self.classes, {}, {}, {}, self.of_coco)

    def status_of(self, image_id):
        """`boxed`, `none` (a listed image without a box) or `unknown` (in neither list)."""
        if self.boxes.get(image_id):
            return "boxed"
        return "none" if image_id in self.images else "unknown"


def read_open_images(boxes=(), labels=(), images=(), classes=()):
    """Reads CSV files of any release; each argument is a list of paths, in order."""
    pairs = [pair for path in classes for pair in read_classes(path)]
    names = {}
    for class_id, name in pairs:
        names.setdefault(class_id, name)
    result = Annotations(list(names.items()), {}, {}, {})
    for path in boxes:
        for row in read_rows(path):
            result.boxes.setdefault(row["ImageID"], []).append(box_of(row, names))
    for path in labels:
        for row in read_rows(path):
            result.labels.setdefault(row["ImageID"], []).append(label_of(row, names))
    for path in images:
        for row in read_rows(path):
            result.images.setdefault(row["ImageID"], image_of(row))
    return result


def read_rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def read_classes(path):
    """(class id, name) of each row; a header is known by not starting with a MID."""
    with open(path, newline="", encoding="utf-8") as file:
        return [(row[0], row[1]) for row in csv.reader(file) if row and row[0][:1] == "/"]


def box_of(row, names):
    box = {
        "class_id": row["LabelName"],
        "name": names.get(row["LabelName"]),
        "source": row["Source"],
        "x_min": float(row["XMin"]),
        "x_max": float(row["XMax"]),
        "y_min": float(row["YMin"]),
        "y_max": float(row["YMax"]),
    }
    values = {"0": False, "1": True}
    return box | {flag: values.get(row.get(name)) for flag, name in FLAG_COLUMNS.items()}


def label_of(row, names):
    return {
        "class_id": row["LabelName"],
        "name": names.get(row["LabelName"]),
        "source": row["Source"],
        "confidence": float(row["Confidence"]),
    }


def image_of(row):
    image = {column: row.get(name) or None for column, name in IMAGE_COLUMNS.items()}
    for column, kind in (("original_size", int), ("rotation", float)):
        if image[column] is not None:
            image[column] = kind(image[column])
    return image


def read_coco(paths):
    """Reads COCO `instances_*.json` files: pixels become shares of width and height."""
    result = Annotations([], {}, {}, {}, of_coco=True)
    names = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            instances = json.load(file)
        for category in instances["categories"]:
            names.setdefault(str(category["id"]), category["name"])
        licences = {item["id"]: item["url"] for item in instances.get("licenses", ())}
        sizes = {item["id"]: (item["width"], item["height"]) for item in instances["images"]}
        for item in instances["images"]:
            result.images.setdefault(str(item["id"]), coco_image_of(item, licences))
        for item in instances["annotations"]:
            box = coco_box_of(item, names, *sizes[item["image_id"]])
            result.boxes.setdefault(str(item["image_id"]), []).append(box)
    result.classes = list(names.items())
    return result


def coco_image_of(item, licences):
    image = dict.fromkeys(IMAGE_COLUMNS)
    image["url"] = item.get("coco_url")
    image["landing_url"] = item.get("flickr_url")
    image["licence"] = licences.get(item.get("license"))
    return image


def coco_box_of(item, names, width, height):
    x, y, box_width, box_height = item["bbox"]
    class_id = str(item["category_id"])
    return {
        "class_id": class_id,
        "name": names[class_id],
        "source": "coco",
        "x_min": x / width,
        "x_max": (x + box_width) / width,
        "y_min": y / height,
        "y_max": (y + box_height) / height,
        **dict.fromkeys(FLAG_COLUMNS),
        "is_group_of": item["iscrowd"] == 1 if "iscrowd" in item else None,
    }
