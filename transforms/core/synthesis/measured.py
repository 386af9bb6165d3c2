"""How people speak and point, measured on real data, and what could not be measured.

Measured on 22 real spoken narratives with 10,104 trace points and 482 timed words (Video
Localized Narratives, the same recording set-up on key frames of videos; quantiles are taken at
`LEVELS`), and on 1,000 real captions of Open Images. `measurement.py` of its tests recomputes every
constant, and a test compares. Units: seconds and normalised image coordinates.

How each was measured:
  WORD_SECONDS_*: least squares of a word's duration on its characters, and the standard
    deviation of the logarithm of the duration by that line.
  PAUSE_SHARE, PAUSE_SECONDS: silences of at least 0.05 s between neighbouring words.
  LEAD_SECONDS: start of the first word.
  WORDS_PER_SECOND: words by time from the first word's start to the last word's end.
  SAMPLING_SECONDS: time between neighbouring points of one trace segment.
  JITTER: second differences of coordinates, as the deviation of white noise that has them
    (median absolute deviation).
  SPEED: path length by duration, of segments with at least 9 points, weighted by duration.
  LAG_SECONDS: a segment's start less the start of the stretch of speech it overlaps most; below
    0 the pointer comes first.
  DRAWN_SHARE: time within segments, of all the time from first word or point to last.
  OUTSIDE_SHARE: points outside the image. None here, as that recorder clipped; the published
    image narratives do have them, so it is a floor and not used for drawing.
  CAPTION_WORDS: words of a caption.
"""

LEVELS = (0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1)
"""Levels of all the quantiles below."""

WORD_SECONDS_BASE = 0.0751
WORD_SECONDS_PER_CHARACTER = 0.0871
WORD_SECONDS_SPREAD = 0.417
PAUSE_SHARE = 0.3717
PAUSE_SECONDS = (
    0.06, 0.06, 0.255, 0.42, 1.015, 2.23, 3.63, 6.52, 8.015, 12.391, 14.7759, 15.24,
)  # fmt: skip
LEAD_SECONDS = (
    0.39, 0.6924, 1.833, 1.924, 2.4, 3.205, 3.97, 4.29, 4.3475, 4.3974, 4.4087, 4.41,
)  # fmt: skip
WORDS_PER_SECOND = 0.6792

SAMPLING_SECONDS = (
    0.004, 0.014, 0.016, 0.016, 0.016, 0.017, 0.018, 0.049, 0.067, 0.185, 0.5495, 1.014,
)  # fmt: skip
JITTER = 0.00177
SPEED = (
    0.0221, 0.0243, 0.0549, 0.1084, 0.1767, 0.2896, 0.4571, 0.6198, 0.8473, 1.2762, 2.7849,
    8.0769,
)  # fmt: skip
LAG_SECONDS = (
    -1.933, -1.6713, -1.1631, -0.9669, -0.6152, -0.132, 0.5067, 0.9961, 1.2591, 1.5905, 1.9319,
    1.971,
)  # fmt: skip
DRAWN_SHARE = 0.3591
OUTSIDE_SHARE = 0.0

CAPTION_WORDS = (3, 7, 12, 15, 22, 32, 42, 57, 71, 97.01, 117.066, 183)

# Not measurable on the data at hand (no real narrative here has boxes, or leaves the image).

AIM_DEVIATION = 0.04
"""Deviation of a drawing's centre from its box's, in widths and heights of the box."""

AIM_SCALE = (0.75, 1.1)
"""Range of a drawing's width and height, in those of its box."""

LEAVE_SHARE = 0.25
"""Share of drawings after which the pointer leaves the image."""

OUTER_BAND = 0.1
"""Width of the band round the image in which the pointer is still recorded."""
