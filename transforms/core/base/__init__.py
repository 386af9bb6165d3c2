"""What everything rests on: errors, text, lines of files, compiled kernels."""
