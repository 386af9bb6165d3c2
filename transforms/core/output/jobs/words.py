"""The rows of `words`: words of narratives, with what names their narrative and image."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.columns import as_type, unpack
from transforms.core.model.narratives import schemas


def word_rows(narratives: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of `schemas.WORDS` of rows of `schemas.NARRATIVES`, in their order."""
    column = narratives["words"]
    offsets, words = unpack(column.fill_null([]) if column.null_count else column)
    lengths = np.diff(offsets)
    owners = pa.array(np.repeat(np.arange(len(narratives), dtype=np.int32), lengths))
    numbers = np.arange(len(words)) - np.repeat(offsets[:-1], lengths)
    made = {
        "image_url": _repeat(pc.struct_field(narratives["image"], "url"), owners),
        "word": pa.array(numbers.astype(np.int32)),
    }
    parts = {field.name for field in schemas.WORD}
    for name in schemas.WORDS.names:
        if name in parts:
            made[name] = words.field(name)
        elif name not in made:
            made[name] = _repeat(narratives[name], owners)
    columns = [as_type(made[field.name], field.type) for field in schemas.WORDS]
    return pa.RecordBatch.from_arrays(columns, schema=schemas.WORDS)


def _repeat(column: pa.Array, owners: pa.Array) -> pa.Array:
    """A column of narratives for their words; texts as terms, each of which is there once."""
    if pa.types.is_string(column.type):
        column = column.dictionary_encode()
    if pa.types.is_dictionary(column.type):
        return pa.DictionaryArray.from_arrays(column.indices.take(owners), column.dictionary)
    return column.take(owners)
