"""Recomputes the constants of `transforms.core.synthesis.measured` from the real files.

`python -m tests.transforms.core.synthesis.measurement` prints them.
"""

import itertools
import json
import pathlib

import numpy as np

from transforms.core.synthesis.measured import LEVELS

ROOT = pathlib.Path(__file__).parents[4]
NARRATIVES = ROOT / "samples" / "narratives" / "vidln_as_localized_narratives.jsonl"
CAPTIONS = ROOT / "tests" / "data" / "captions" / "open_images_captions.words.txt"

RUN_GAP = 0.05
"""Seconds of silence from which on speech counts as interrupted."""


def quantiles(values) -> list[float]:
    """The values' quantiles at `LEVELS`."""
    return np.quantile(np.asarray(values, float), LEVELS).round(4).tolist()


def read_narratives() -> list[dict]:
    """The real narratives."""
    return [json.loads(line) for line in NARRATIVES.read_text().splitlines()]


def segment_arrays(narrative: dict) -> list[np.ndarray]:
    """A narrative's trace segments, each `(n_points, 3)`: x, y, t."""
    return [
        np.array([(p["x"], p["y"], p["t"]) for p in segment]) for segment in narrative["traces"]
    ]


def words_of(narrative: dict) -> list[tuple[str, float, float]]:
    """Text, start and end of a narrative's utterances; each is one word in this file."""
    keys = ("utterance", "start_time", "end_time")
    return [tuple(utterance[key] for key in keys) for utterance in narrative["timed_caption"]]


def silences(words) -> list[float]:
    """Seconds between each word and the next."""
    return [after[1] - before[2] for before, after in itertools.pairwise(words)]


def speech_runs(words) -> np.ndarray:
    """Start and end of each stretch of speech without a pause, `(n_runs, 2)`."""
    starts = [words[0][1]]
    ends = []
    for before, after in itertools.pairwise(words):
        if after[1] - before[2] >= RUN_GAP:
            ends.append(before[2])
            starts.append(after[1])
    return np.array([starts, [*ends, words[-1][2]]]).T


def lags(narrative: dict) -> list[float]:
    """Start of each segment less start of the speech run that it overlaps most."""
    runs = speech_runs(words_of(narrative))
    found = []
    for points in segment_arrays(narrative):
        start, end = points[0, 2], points[-1, 2]
        overlap = np.minimum(runs[:, 1], end) - np.maximum(runs[:, 0], start)
        best = int(overlap.argmax())
        if overlap[best] > 0:
            found.append(start - runs[best, 0])
    return found


def mean_speed(points: np.ndarray) -> float:
    """A segment's path length by its duration, normalised image units a second."""
    length = np.hypot(*np.diff(points[:, :2], axis=0).T).sum()
    return length / (points[-1, 2] - points[0, 2])


def quantiles_over_time(segments) -> list[float]:
    """Quantiles at `LEVELS` of the segments' mean speeds, each weighted by its duration."""
    speeds = np.array([mean_speed(segment) for segment in segments])
    seconds = np.array([segment[-1, 2] - segment[0, 2] for segment in segments])
    order = speeds.argsort()
    passed = (np.cumsum(seconds[order]) - seconds[order] / 2) / seconds.sum()
    return np.interp(LEVELS, passed, speeds[order]).round(4).tolist()


def jitter(segments) -> float:
    """Deviation of white noise with the segments' second differences (robust: MAD)."""
    second = np.concatenate([np.diff(s[:, :2], 2, axis=0).ravel() for s in segments])
    return float(np.median(np.abs(second)) / 0.6745 / np.sqrt(6))


def span(narrative: dict) -> float:
    """Seconds from the first word or point to the last."""
    words, segments = words_of(narrative), segment_arrays(narrative)
    first = min(words[0][1], segments[0][0, 2])
    return max(words[-1][2], segments[-1][-1, 2]) - first


def measure_speech(narratives: list[dict]) -> dict:
    """What concerns the words' times."""
    words = [words_of(narrative) for narrative in narratives]
    lengths = np.array([len(text) for narrative in words for text, _, _ in narrative])
    durations = np.array([end - start for narrative in words for _, start, end in narrative])
    slope, base = np.polyfit(lengths, durations, 1)
    gaps = np.concatenate([silences(narrative) for narrative in words])
    return {
        "WORD_SECONDS_BASE": base,
        "WORD_SECONDS_PER_CHARACTER": slope,
        "WORD_SECONDS_SPREAD": float(np.std(np.log(durations / (base + slope * lengths)))),
        "PAUSE_SHARE": float((gaps >= RUN_GAP).mean()),
        "PAUSE_SECONDS": quantiles(gaps[gaps >= RUN_GAP]),
        "LEAD_SECONDS": quantiles([narrative[0][1] for narrative in words]),
        "WORDS_PER_SECOND": len(lengths) / sum(n[-1][2] - n[0][1] for n in words),
    }


def measure_pointer(narratives: list[dict]) -> dict:
    """What concerns the trace."""
    segments = [s for narrative in narratives for s in segment_arrays(narrative)]
    points = np.concatenate(segments)
    drawn = sum(s[-1, 2] - s[0, 2] for s in segments)
    outside = (points[:, :2] < 0) | (points[:, :2] > 1)
    return {
        "SAMPLING_SECONDS": quantiles(np.concatenate([np.diff(s[:, 2]) for s in segments])),
        "JITTER": jitter(segments),
        "SPEED": quantiles_over_time([s for s in segments if len(s) >= 9]),
        "LAG_SECONDS": quantiles([lag for n in narratives for lag in lags(n)]),
        "DRAWN_SHARE": drawn / sum(map(span, narratives)),
        "OUTSIDE_SHARE": float(outside.any(axis=1).mean()),
    }


def measure_captions() -> dict:
    """Lengths of the real captions."""
    return {"CAPTION_WORDS": quantiles([len(s.split()) for s in CAPTIONS.open()])}


def measure() -> dict:
    """Every measured constant by its name."""
    narratives = read_narratives()
    return measure_speech(narratives) | measure_pointer(narratives) | measure_captions()


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name} = {value}")
