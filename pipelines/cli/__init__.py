"""What all jobs share as commands: options, exit codes, signals, progress."""
