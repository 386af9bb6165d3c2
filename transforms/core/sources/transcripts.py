"""Transcriptions beside the narratives: `_asr.jsonl` files and recognisers' word times.

`asr` files hold a line a narrative: `image_id`, `annotator_id` and, under `asr` (or
`transcriptions`), a list of text chunks, each a list of alternatives (or an object with
`alternatives`) of `transcript` (or `text`) and `confidence`. They carry no times.

`words` files are the output of a speech recogniser with word times, either one `.json` file a
recording, named like it, or JSON Lines with the recording's name under `recording` on each
line:

- Google Speech-to-Text: `results`, whose first alternative has `words` of `word`, `startTime`
  and `endTime` (version 2: `startOffset`, `endOffset`). With speaker diarization the last result
  repeats the words of all: then it alone counts;
  https://cloud.google.com/speech-to-text/docs
- Whisper: `segments` with `words` of `word`, `start` and `end` (`word_timestamps=True`);
  https://github.com/openai/whisper
"""

import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from transforms.core.base.errors import UNREADABLE, UsageError, shown
from transforms.core.model.columns import list_array, list_of
from transforms.core.model.narratives import schemas
from transforms.core.sources import foreign, kinds
from transforms.core.sources.annotations.problems import line_at
from transforms.core.sources.index.buckets import MAX_KEY_BYTES, TableIndex, plain_schema
from transforms.core.sources.index.manifest import Source, read_manifest

ASR = "asr"
WORDS = "words"

ALTERNATIVE = pa.struct([("text", pa.string()), ("confidence", pa.float64())])

TABLES = {
    ASR: pa.schema([("chunks", list_of(list_of(ALTERNATIVE)))]),
    WORDS: pa.schema([("words", list_of(schemas.UTTERANCE))]),
}
"""Columns of the index of each kind, a row a transcription."""


class _Alternative(msgspec.Struct):
    transcript: str | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET
    confidence: float | None = None

    def __post_init__(self) -> None:
        if self.transcript is msgspec.UNSET:
            if self.text is msgspec.UNSET:
                raise ValueError("an alternative without `transcript`")
            self.transcript = self.text


class _Alternatives(msgspec.Struct):
    alternatives: list[_Alternative]


_Chunks = list[list[_Alternative] | _Alternatives]


class _AsrRecord(msgspec.Struct):
    image_id: str | int
    annotator_id: int
    asr: _Chunks | msgspec.UnsetType = msgspec.UNSET
    transcriptions: _Chunks | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if self.asr is msgspec.UNSET:
            if self.transcriptions is msgspec.UNSET:
                raise ValueError("a record without `asr`")
            self.asr = self.transcriptions


class _Duration(msgspec.Struct):
    seconds: int | str = 0
    nanos: int = 0


_Time = str | float | _Duration


class _GoogleWord(msgspec.Struct, rename="camel"):
    word: str
    start_time: _Time = 0.0
    end_time: _Time | msgspec.UnsetType = msgspec.UNSET
    start_offset: _Time = 0.0
    end_offset: _Time | msgspec.UnsetType = msgspec.UNSET
    speaker_tag: int | None = None

    def times(self) -> tuple[str, float, float]:
        if self.end_time is not msgspec.UNSET:
            return self.word, _seconds(self.start_time), _seconds(self.end_time)
        if self.end_offset is msgspec.UNSET:
            raise ValueError(f"word {self.word!r} without `endTime`")
        return self.word, _seconds(self.start_offset), _seconds(self.end_offset)


class _GoogleAlternative(msgspec.Struct):
    transcript: str = ""
    words: list[_GoogleWord] = []


class _GoogleResult(msgspec.Struct):
    alternatives: list[_GoogleAlternative] = []

    def timed_words(self) -> Iterator[tuple[str, float, float]]:
        for alternative in self.alternatives[:1]:  # the most probable comes first
            if alternative.transcript.strip() and not alternative.words:
                raise ValueError("a transcript without `words`: recognise with word times")
            yield from (word.times() for word in alternative.words)


def _words_of(results: list[_GoogleResult]) -> list[_GoogleWord]:
    return [word for result in results for own in result.alternatives[:1] for word in own.words]


def _without_repetition(results: list[_GoogleResult]) -> list[_GoogleResult]:
    """Leaves out what the last result says again.

    With speaker diarization it repeats the words of all results, with a tag of the speaker on each,
    which the words before do not have.
    """
    last, before = _words_of(results[-1:]), _words_of(results[:-1])
    tagged = all(word.speaker_tag for word in last) and not any(w.speaker_tag for w in before)
    same = [word.times() for word in before] == [word.times() for word in last]
    return results[-1:] if last and before and (tagged or same) else results


class _WhisperWord(msgspec.Struct):
    word: str
    start: float
    end: float


class _WhisperSegment(msgspec.Struct):
    words: list[_WhisperWord]

    def timed_words(self) -> Iterator[tuple[str, float, float]]:
        yield from ((word.word, word.start, word.end) for word in self.words)


class _Recognised(msgspec.Struct):
    recording: str | None = None
    results: list[_GoogleResult] | msgspec.UnsetType = msgspec.UNSET
    segments: list[_WhisperSegment] | msgspec.UnsetType = msgspec.UNSET

    def timed_words(self) -> list[tuple[str, float, float]]:
        parts: Sequence[_GoogleResult | _WhisperSegment]
        if self.results is not msgspec.UNSET:
            parts = _without_repetition(self.results)
        elif self.segments is not msgspec.UNSET:
            parts = self.segments
        else:
            raise ValueError("neither `results` (Google) nor `segments` (Whisper)")
        return [word for part in parts for word in part.timed_words() if word[0].strip()]


_ASR_DECODER = msgspec.json.Decoder(_AsrRecord)
_WORDS_DECODER = msgspec.json.Decoder(_Recognised)


def _seconds(time: _Time) -> float:
    """`"1.300s"`, 1.3 or seconds and nanoseconds, in seconds."""
    if isinstance(time, _Duration):
        return int(time.seconds) + time.nanos / 1e9
    if isinstance(time, str):
        if not re.fullmatch(r"\d+(\.\d+)?s", time):
            raise ValueError(f"{time!r} is not a time like `1.300s`")
        return float(time[:-1])
    return time


def asr_key(image_id: str | int, annotator_id: int) -> str:
    """The key of a narrative's automatic transcription."""
    return f"{image_id}/{annotator_id}"


def recording_key(recording: str) -> str:
    """The key of a recording: its file name without folder and ending."""
    return re.sub(r"^.*/|\.[^./]*$", "", recording)


class BadTranscription(ValueError):
    """A line that is no transcription.

    Attributes:
      line: Its index among the lines that were parsed.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


def parse_asr_lines(lines: bytes) -> pa.RecordBatch:
    """Reads complete lines of an `_asr.jsonl` file; blank ones are skipped.

    Returns:
      Rows of the plain schema of `TABLES["asr"]`.

    Raises:
      BadTranscription: A line that is no such record.
    """

    def decode(line: bytes) -> tuple[str, Any]:
        record = _ASR_DECODER.decode(line)
        return asr_key(record.image_id, record.annotator_id), record.asr

    return _asr_rows(_decode_lines(lines, decode))


def parse_words_lines(lines: bytes) -> pa.RecordBatch:
    """Reads JSON Lines of recognised words, each with its `recording`; as `parse_asr_lines`."""

    def decode(line: bytes) -> tuple[str, list]:
        record = _WORDS_DECODER.decode(line)
        if not record.recording:
            raise ValueError("a line without `recording`")
        return recording_key(record.recording), record.timed_words()

    return _words_rows(_decode_lines(lines, decode))


def parse_words_files(files: Iterable[tuple[str, bytes]]) -> pa.RecordBatch:
    """Reads recognised words of one recording a file, given as names and contents.

    Raises:
      UsageError: A file that is no such output.
    """

    def decode(name: str, data: bytes) -> tuple[str, list]:
        try:
            return recording_key(name), _WORDS_DECODER.decode(data).timed_words()
        except UNREADABLE as error:
            raise unreadable(name, error) from error

    return _words_rows([decode(name, data) for name, data in files])


def _decode_lines(
    lines: bytes, decode: Callable[[bytes], tuple[str, list]]
) -> list[tuple[str, list]]:
    decoded = []
    for number, line in enumerate(lines.split(b"\n")):
        if not line.strip():
            continue
        try:
            key, value = decode(line)
            if not 0 < len(key.encode()) <= MAX_KEY_BYTES:
                raise ValueError(f"its ids have no or more than {MAX_KEY_BYTES} bytes")
        except UNREADABLE as error:
            raise BadTranscription(number, str(error)) from error
        decoded.append((key, value))
    return decoded


def unreadable(place: str, problem: object) -> UsageError:
    """What the user is told of a file or line that is no transcription."""
    return UsageError(
        f"{place}: is not a transcription ({shown(problem)}): see `Transcriptions` in the README "
        "for the accepted forms"
    )


def _asr_rows(records: Sequence[tuple[str, Sequence]]) -> pa.RecordBatch:
    chunks = [
        chunk.alternatives if isinstance(chunk, _Alternatives) else chunk
        for _, record in records
        for chunk in record
    ]
    alternatives = [alternative for chunk in chunks for alternative in chunk]
    values = pa.StructArray.from_arrays(
        [
            pa.array([item.transcript for item in alternatives], pa.string()),
            pa.array([item.confidence for item in alternatives], pa.float64()),
        ],
        fields=list(ALTERNATIVE),
    )
    column = list_array(_offsets(record for _, record in records), _nest(chunks, values))
    return _rows(records, column, ASR)


def _words_rows(records: Sequence[tuple[str, Sequence]]) -> pa.RecordBatch:
    words = [word for _, record in records for word in record]
    values = pa.StructArray.from_arrays(
        [
            pa.array([text.strip() for text, _, _ in words], pa.string()),
            pa.array([start for _, start, _ in words], pa.float64()),
            pa.array([end for _, _, end in words], pa.float64()),
        ],
        fields=list(schemas.UTTERANCE),
    )
    return _rows(records, _nest([record for _, record in records], values), WORDS)


def _nest(lists: Iterable[Sequence], values: pa.Array) -> pa.ListArray:
    return list_array(_offsets(lists), values)


def _offsets(lists: Iterable[Sequence]) -> np.ndarray:
    return np.cumsum([0, *(len(values) for values in lists)])


def _rows(
    records: Sequence[tuple[str, Sequence]], column: pa.ListArray, kind: str
) -> pa.RecordBatch:
    keys = pa.array([key for key, _ in records], pa.string())
    return pa.RecordBatch.from_arrays([keys, column], schema=plain_schema(TABLES[kind]))


class TranscriptIndex:
    """Transcriptions by narrative (`asr`) or by recording (`words`).

    Attributes:
      kind: `asr` or `words`.
      fingerprint: Hash of the content.
    """

    def __init__(self, table: TableIndex, kind: str, fingerprint: str) -> None:
        self.kind = kind
        self.fingerprint = fingerprint
        self._table = table

    @classmethod
    def open(cls, folder: str) -> "TranscriptIndex":
        """Opens an index on this machine; files are mapped when their rows are asked for.

        Raises:
          UsageError: There is no complete index of transcriptions in the folder.
        """
        manifest = read_manifest(folder, (ASR, WORDS))
        kind = manifest.kind
        table = TableIndex(os.fspath(folder), manifest.tables[kind], TABLES[kind])
        return cls(table, kind, manifest.fingerprint)

    def lookup(self, keys: pa.StringArray) -> pa.ListArray:
        """The transcription of each key, shape `(n,)`, null where there is none.

        Where a key is there twice, the first one counts.

        Args:
          keys: `image_id/annotator_id` of narratives (`asr_key`), or names of recordings
            (`recording_key`).

        Returns:
          For `asr` lists of text chunks of `ALTERNATIVE`; for `words` lists of
          `schemas.UTTERANCE`, times in seconds.
        """
        return self._table.first(keys).column(0)


_ParseLines = Callable[[bytes], pa.RecordBatch]


def _parse_lines(
    table: str, parse: _ParseLines, block: kinds.SourceBlock, open_source: kinds.OpenSource
) -> Iterator[kinds.Part]:
    ((index, source),) = block.files
    for start, lines in kinds.read_lines(block, open_source):
        try:
            rows = parse(lines)
        except BadTranscription as error:
            line = line_at(lambda: open_source(source), start) + error.line
            raise unreadable(f"{source.path}, line {line}", error) from error
        yield kinds.Part(table, (index, start), rows)


def _is_recording(source: Source) -> bool:
    return kinds.plain_name(source.path).endswith(".json")


def _parse_words(block: kinds.SourceBlock, open_source: kinds.OpenSource) -> Iterator[kinds.Part]:
    index, first = block.files[0]
    if _is_recording(first):
        files = ((source.path, kinds.read_whole(source, open_source)) for _, source in block.files)
        yield kinds.Part(WORDS, (index, 0), parse_words_files(files))
    else:
        yield from _parse_lines(WORDS, parse_words_lines, block, open_source)


KINDS = {
    ASR: kinds.SourceKind(
        foreign.ASR,
        {ASR: TABLES[ASR]},
        functools.partial(_parse_lines, ASR, parse_asr_lines),
        by_lines=True,
    ),
    WORDS: kinds.SourceKind(
        foreign.WORDS, {WORDS: TABLES[WORDS]}, _parse_words, by_lines=True, is_small=_is_recording
    ),
}
"""Of each role, what reads its sources."""
