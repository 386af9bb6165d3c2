"""What Croissant's and Frictionless's own libraries make of a version; run in `.venv-card`.

`reading.py croissant FOLDER TABLE…` prints the records of tables as JSON, `reading.py frictionless
FOLDER` whether the package is valid, and its errors.
"""

import json
import os
import sys


def read_croissant(folder, *tables):
    """Issues of the metadata, and all records of each table."""
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=os.path.join(folder, "croissant.json"))
    issues = dataset.metadata.ctx.issues
    records = {table: list(dataset.records(table)) for table in tables}
    return {"errors": sorted(issues.errors), "warnings": sorted(issues.warnings),
            "records": records}  # fmt: skip


def read_frictionless(folder):
    """Whether bytes and checksums of all files are those of the package."""
    import frictionless

    os.chdir(folder)
    report = frictionless.validate("datapackage.json")
    return {
        "valid": report.valid,
        "files": [task.place for task in report.tasks],
        "errors": report.flatten(["type"]),
    }


def plain(value):
    """What JSON does not know: texts come as bytes, numbers as those of numpy."""
    return value.decode() if isinstance(value, bytes) else value.item()


if __name__ == "__main__":
    read = {"croissant": read_croissant, "frictionless": read_frictionless}[sys.argv[1]]
    print(json.dumps(read(*sys.argv[2:]), default=plain))
