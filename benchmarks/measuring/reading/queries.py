"""What users ask of a version: as they had to before there were `words` and indexes, and as now.

Each query is a text of DuckDB, run in the version's folder. `{image}`, `{narrative}`, `{word}` and
`{name}` stand for values, `{files}` for a list of the files that the query's `look_up` gives.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Query:
    """A query in one or two forms.

    Attributes:
      name: What is asked.
      before: Over the tables of narratives and mentions alone.
      now: Over the others too; empty where that would gain nothing.
      look_up: Asked before `now`: the temporary table `places` of files, and rows in them.
    """

    name: str
    before: str
    now: str = ""
    look_up: str = ""


_AT = (
    "FROM read_parquet({files}, file_row_number = true, filename = true) JOIN places "
    "ON file_row_number = row AND filename LIKE '%' || file"
)

QUERIES = (
    Query(
        "captions of a split", "SELECT caption FROM 'narratives/*.parquet' WHERE split = 'train'"
    ),
    Query(
        "word boxes with image addresses",
        "SELECT image.url, w.text, w.x_min, w.y_min, w.x_max, w.y_max "
        "FROM 'narratives/*.parquet', unnest(words) AS u(w)",
        "SELECT image_url, text, x_min, y_min, x_max, y_max FROM 'words/*.parquet'",
    ),
    Query(
        "all of one image",
        "SELECT * FROM 'narratives/*.parquet' WHERE image_id = '{image}'",
        "SELECT * FROM read_parquet({files}) WHERE image_id = '{image}'",
        "SELECT file, row FROM 'image_index/*.parquet' WHERE image_id = '{image}'",
    ),
    Query(
        "one narrative by id",
        "SELECT * EXCLUDE (trace) FROM 'narratives/*.parquet' WHERE narrative_id = '{narrative}'",
        "SELECT * EXCLUDE (trace) FROM read_parquet({files}) WHERE narrative_id = '{narrative}'",
        "SELECT file, row FROM 'image_index/*.parquet' WHERE image_id = '{image}'",
    ),
    Query(
        "the trace of one narrative",
        "SELECT trace FROM 'narratives/*.parquet' WHERE narrative_id = '{narrative}'",
        "SELECT trace FROM read_parquet({files}) WHERE narrative_id = '{narrative}'",
        "SELECT file, row FROM 'image_index/*.parquet' WHERE image_id = '{image}'",
    ),
    Query(
        "mentions of a class with their boxes",
        "SELECT m.*, n.boxes[m.box_index + 1] AS box FROM 'mentions/*.parquet' AS m "
        "JOIN 'narratives/*.parquet' AS n USING (shard, byte_offset) WHERE m.name = '{name}'",
        "SELECT m.*, n.boxes[m.box_index + 1] AS box "
        "FROM read_parquet([replace(f, 'narratives', 'mentions') FOR f IN {files}]) AS m "
        "JOIN read_parquet({files}) AS n USING (shard, byte_offset) WHERE m.name = '{name}'",
        "SELECT file, unnest(rows) AS row FROM 'class_index/*.parquet' WHERE name = '{name}'",
    ),
    Query(
        "numbers by data set and split",
        "SELECT dataset, split, count(*) FROM 'narratives/*.parquet' GROUP BY ALL",
        "SELECT dataset, split, captions FROM 'richness/*.parquet'",
    ),
    Query(
        "the most frequent words",
        "SELECT w.normalized, count(*) AS n FROM 'narratives/*.parquet', unnest(words) AS u(w) "
        "GROUP BY ALL ORDER BY n DESC LIMIT 20",
        "SELECT normalized, count(*) AS n FROM 'words/*.parquet' "
        "GROUP BY ALL ORDER BY n DESC LIMIT 20",
    ),
    Query(
        "a sample of 1 %, the same every time",
        "SELECT narrative_id, caption FROM 'narratives/*.parquet' "
        "WHERE hash(image_id, annotator_id) % 100 = 0",
    ),
    Query(
        "narratives that have a word",
        "SELECT narrative_id, caption FROM 'narratives/*.parquet' "
        "WHERE list_contains([w.normalized FOR w IN words], '{word}')",
        f"SELECT narrative_id, caption {_AT}",
        "SELECT file, unnest(rows) AS row FROM 'word_index/*.parquet' WHERE word = '{word}'",
    ),
)
"""The ten that users run most, as far as one can tell without asking them (docs/queries.md)."""
