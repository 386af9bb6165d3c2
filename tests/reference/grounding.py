"""Times of words (Eq. 2), their trace segments and the flags of a narrative."""

FLAGS = (
    "no_transcript",
    "no_caption",
    "no_trace",
    "zero_length_utterance",
    "times_out_of_order",
    "outside_image",
    "dataset_id_differs",
    "inverted_word",
    "inverted_mention",
    "alignment_too_large",
    "caption_too_long",
    "narration_too_short",
    "annotations_of_other_dataset",
)
"""In the order in which a narrative's flags are listed."""


def flatten(traces):
    """Points of all segments in order, and the segment of each."""
    points = [point for segment in traces for point in segment]
    segment_of = [number for number, segment in enumerate(traces) for _ in segment]
    return points, segment_of


def segment_starts(traces):
    """Index of each segment's first point."""
    return [sum(map(len, traces[:number])) for number in range(len(traces))]


def extent(points, intervals):
    """(T0, T1): smallest and largest trace time, without a trace those of the intervals."""
    if points:
        return min(t for _, _, t in points), max(t for _, _, t in points)
    return min(start for start, _ in intervals), max(end for _, end in intervals)


def word_times(mu, intervals, caption_words, t0, t1):
    """Eq. 2, without the collapse of inverted intervals.

    Args:
        mu: caption word of each transcription word.
        intervals: (start, end) of each transcription word.
        caption_words: number of words of the caption.
    """
    times = []
    for j in range(caption_words):
        own = [intervals[i] for i, k in enumerate(mu) if k == j]
        before = [intervals[i] for i, k in enumerate(mu) if k < j]
        after = [intervals[i] for i, k in enumerate(mu) if k > j]
        if own:
            start = min(start for start, _ in own)
            end = max(end for _, end in own)
        else:
            start = max((end for _, end in before), default=t0)
            end = min((start for start, _ in after), default=t1)
        times.append((start, end))
    return times


def collapse(times):
    """Inverted times become their start. Returns the times and whether they were."""
    start, end = times
    return (start, max(start, end)), start > end


def point_range(points, times):
    """From the first to one past the last point with start ≤ t ≤ end; half-open.

    Without such a point it is empty and lies where the first later point is.
    """
    start, end = times
    inside = [i for i, (_, _, t) in enumerate(points) if start <= t <= end]
    if inside:
        return inside[0], inside[-1] + 1
    later = [i for i, (_, _, t) in enumerate(points) if t > end]
    position = later[0] if later else len(points)
    return position, position


def bounding_box(points):
    """(x_min, y_min, x_max, y_max), each None without points."""
    if not points:
        return None, None, None, None
    xs = [x for x, _, _ in points]
    ys = [y for _, y, _ in points]
    return min(xs), min(ys), max(xs), max(ys)


def ground_word(points, segment_of, times):
    """Times, points and box of a word; all None where the times are unknown."""
    if times is None:
        keys = ("start_time", "end_time", "first_point", "end_point", "crosses_gap")
        return dict.fromkeys((*keys, "x_min", "y_min", "x_max", "y_max"))
    first, end = point_range(points, times)
    box = bounding_box(points[first:end])
    return {
        "start_time": times[0],
        "end_time": times[1],
        "first_point": first,
        "end_point": end,
        "crosses_gap": len(set(segment_of[first:end])) > 1,
        **dict(zip(("x_min", "y_min", "x_max", "y_max"), box, strict=True)),
    }


def reading_flags(utterances, traces):
    """Flags that need nothing but the record itself."""
    points, _ = flatten(traces)
    times = [t for _, _, t in points]
    starts = [start for _, start, _ in utterances]
    flags = set()
    if not points:
        flags.add("no_trace")
    if any(start == end for _, start, end in utterances):
        flags.add("zero_length_utterance")
    if falls(times) or falls(starts) or any(start > end for _, start, end in utterances):
        flags.add("times_out_of_order")
    if any(not (0 <= x <= 1 and 0 <= y <= 1) for x, y, _ in points):
        flags.add("outside_image")
    return flags


def falls(values):
    """Whether a value is smaller than the one before it."""
    return any(later < earlier for earlier, later in zip(values, values[1:], strict=False))
