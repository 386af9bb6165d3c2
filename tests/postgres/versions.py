"""What the versions that are exported are made of: real rows.

Of V1 the class list is its own (`dict.csv`); its images and labels are rows of V3, whose columns
are those of V1's last revision.
"""

import json
import pathlib

import duckdb

from tests import build_helpers as helpers

DATA = pathlib.Path(__file__).parents[1] / "data" / "open_images"
KINDS = ("images", "annotations-human", "annotations-machine", "annotations-human-bbox")
SPLITS = ("train", "validation")
V3 = {
    DATA / "v3" / split / f"{kind}.csv": f"2017_11/{split}/{kind}.csv"
    for split in SPLITS
    for kind in KINDS
} | {DATA / "v3" / "class-descriptions.csv": "2017_11/class-descriptions.csv"}
V1 = {
    DATA / "v3" / split / f"{kind}.csv": f"2016_08/{split}/{kind}.csv"
    for split in SPLITS
    for kind in KINDS[:3]
    if (split, kind) != ("validation", "images")  # so that labels name images which no list has
} | {DATA / "v1" / "dict.csv": "2016_08/dict.csv"}
LISTS = {
    "classes-trainable.txt": b"/m/01g317\n/m/0no_name\n",
    "classes-bbox.txt": b"/m/01g317\r\n/m/09j2d\r\n",
}


def published(output, table, columns="*"):
    """Rows of a version's table, as DuckDB reads them of the Parquet files."""
    path = helpers.version_of(output) / table / "*.parquet"
    return duckdb.sql(f"SELECT {columns} FROM '{path}'").fetchall()


def in_order(rows):
    """Rows in an order that does not depend on how they came."""
    return sorted(json.dumps(row, default=str, ensure_ascii=False) for row in rows)
