"""Chunks that tests put together, with the columns that the schema has by now."""

import pyarrow as pa

from transforms.core.model.narratives import schemas


def complete(chunk):
    """A chunk with every column of `schemas.NARRATIVES`; those that no stage here made are null.

    So a column of a new stage changes only the tests that speak of it. That the job's own stages
    make every column is for the tests of the whole job to say.
    """
    narratives = chunk["narratives"]
    missing = [field for field in schemas.NARRATIVES if field.name not in narratives.schema.names]
    columns = {field.name: pa.nulls(len(narratives), field.type) for field in missing}
    return chunk.with_columns("narratives", **columns)
