"""The stages of the job of captions: thin transforms over the functions of `core`."""

import dataclasses
import functools
from collections.abc import Callable, Iterator

from transforms.collections.captions.documents import document_blocks
from transforms.core.model.units import Unit
from transforms.core.sources.captions.reading import read_captions
from transforms.core.sources.captions.registry import FORMATS
from transforms.core.stages.measure.measure_captions import measure_captions
from transforms.core.stages.measure.taggers import Tagger
from transforms.stage import ChunkTransform, Stage
from transforms.units.reading.blocks import BlocksOf, UnitBlock, blocks_of
from transforms.units.reading.mended import BlockReader
from transforms.units.reading.read import ReadUnits


def caption_blocks(unit: Unit, unit_bytes: int) -> Iterator[UnitBlock]:
    """The lines of a unit, or the records of one of a document, as its format has them.

    Args:
      unit: The unit; its dialect is the name of its format.
      unit_bytes: Size of the pieces into which a compressed shard's text is cut.

    Raises:
      ChangedError: The shard is no longer the one that was planned.
      UsageError: It is a document that is corrupt or cut short.
    """
    form = FORMATS[unit.dialect]
    if form.is_document:
        return document_blocks(unit, unit_bytes, form.key)
    return blocks_of(unit, unit_bytes)


class ReadCaptions(ReadUnits):
    """Reads every unit of captions into a chunk."""

    def reader(self) -> BlockReader:
        return read_captions

    def blocks(self) -> BlocksOf:
        return caption_blocks


@dataclasses.dataclass
class MeasureCaptions(ChunkTransform):
    """Counts words and part-of-speech tags of every caption.

    Attributes:
      load_tagger: Loads the tagger on a worker.
    """

    load_tagger: Callable[[], Tagger]

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_measure, self.load_tagger)


def _measure(load_tagger: Callable[[], Tagger]) -> Stage:
    return functools.partial(measure_captions, tagger=load_tagger())
