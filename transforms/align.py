"""AlignTranscripts: words of captions, their times and D."""

import dataclasses
import functools
from collections.abc import Callable

from transforms import storage
from transforms.core.stages.align.align_transcripts import align_transcripts
from transforms.core.stages.align.transcript_sources import create_source
from transforms.stage import ChunkTransform, Stage


@dataclasses.dataclass
class AlignTranscripts(ChunkTransform):
    """Aligns transcriptions with captions.

    Attributes:
      transcripts: Where transcriptions come from: `timed_caption`, `asr` or `words`.
      index_path: The transcript index, for `asr` and `words`.
    """

    transcripts: str = "timed_caption"
    index_path: str | None = None

    def __post_init__(self):
        super().__post_init__()
        if (self.transcripts == "timed_caption") != (self.index_path is None):
            raise ValueError(f"transcripts {self.transcripts} and index {self.index_path} differ")

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_prepare, self.transcripts, self.index_path)


def _prepare(transcripts: str, index_path: str | None) -> Stage:
    folder = index_path and storage.local_folder(index_path)
    return functools.partial(align_transcripts, source=create_source(transcripts, folder))
