"""Reports what tests with `--cov` have covered, and fails where a module was not tested at all.

`python -m tests.coverage`
"""

import os
import sys

import coverage

MINIMUM = 20
"""Per cent of a module's statements; importing it alone runs fewer."""

BY_ENGINES = ("engines/", "transforms/storage/google_cloud.py")
"""What `make test-engines` tests."""

AS_PROGRAMS = "/__main__.py"
"""What `test_narratives.py` runs as Python does: a program ends before what it covered is kept."""


def is_code(path: str) -> bool:
    """Whether a file that was run is a module, not a template that ran as code of its name."""
    return path.endswith(".py")


def main() -> int:
    """Prints the report; returns 1 where a module was not tested."""
    measured = coverage.Coverage()
    measured.load()
    measured.report(file=sys.stdout)
    untested = 0
    for path in sorted(filter(is_code, measured.get_data().measured_files())):
        name = os.path.relpath(path)
        _, statements, _, missing, _ = measured.analysis2(path)
        share = 100 * (len(statements) - len(missing)) / max(1, len(statements))
        elsewhere = name.startswith(BY_ENGINES) or name.endswith(AS_PROGRAMS)
        if statements and share < MINIMUM and not elsewhere:
            print(f"error: {name} is not tested: {share:.0f} %", file=sys.stderr)
            untested += 1
    return int(untested > 0)


if __name__ == "__main__":
    sys.exit(main())
