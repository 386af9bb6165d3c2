"""What all descriptions of a version share: names, tables, and columns in words."""

import re

import pyarrow as pa

from transforms.core.model.columns import ColumnDescription
from transforms.core.output.jobs.job import Job
from transforms.core.output.tables import ending_of


def slug(job: Job, version: str) -> str:
    """The version's name for catalogs of data sets: small letters, digits and hyphens."""
    return f"{re.sub('[^a-z0-9]+', '-', job.title.lower()).strip('-')}-{version}"


def parquet_tables(job: Job) -> dict[str, pa.Schema]:
    """Schemas of the tables that every reader of Parquet reads."""
    return {
        name: schema for name, schema in job.all_tables.items() if ending_of(schema) == "parquet"
    }


def told(column: ColumnDescription) -> str:
    """A column in words: what it is, and in which unit.

    >>> field = pa.field("x", pa.float64())
    >>> told(ColumnDescription("x", field, "where it is", "meters", "a map"))
    'where it is (meters)'
    """
    return f"{column.description} ({column.unit})" if column.unit else column.description
