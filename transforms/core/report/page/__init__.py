"""The frame of every report, and the sections that those of all jobs have."""
