"""What a line may hold: beyond these limits it is rejected, whatever reads it.

They are far beyond anything published (coordinates of -0.6 to 1.7, recordings of minutes, lines of
31 kB on average), and small enough that all that is computed from a line stays finite and exact:
float32 copies, milliseconds, millionths of the length of a trace, and squares of those sums.
"""

MAX_COORDINATE = 1_000.0
"""Largest absolute value of a trace point's `x` or `y`, in image widths or heights."""

MAX_SECONDS = 1_000_000.0
"""Largest absolute value of a time, seconds."""

MAX_IMAGE_ID_BYTES = 255
"""Bytes of an image id in UTF-8: indexes have keys of at most this length."""

MAX_DEPTH = 64
"""Objects and lists within each other; published lines have 4."""

KEPT_BYTES = 1 << 16
"""Bytes that are kept of a longer line; its place in the shard leads to the others."""
