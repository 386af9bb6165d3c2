"""Where versions can be exported to: a new target is a module and a line of `TARGETS`.

A module has `make_target(options, version)`, which returns the `Target` that the options describe,
and `check_options(options)`, which raises UsageError before the version is read.
"""

TARGETS = {
    "postgres": "pipelines.export.to_postgres",
    "bigquery": "pipelines.export.to_bigquery",
}
"""Modules by the name that `--to` takes."""
