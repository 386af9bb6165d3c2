"""MeasureRichness: words, tags, times and traces, counted."""
