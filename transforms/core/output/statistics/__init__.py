"""Statistics that merge: sums in integers, counts by key, free of order and unit size.

A unit's statistics are kept in its commit record; a version's tables are made from the merge of
all records, so they are byte-identical however the input was cut and in whatever order it came.

A statistic is one class in a file of its own (`statistic.Statistic`) and an entry of
a job (`jobs.narratives`).
"""
