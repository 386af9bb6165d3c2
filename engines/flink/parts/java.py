"""Finding a Java that Flink 1.19 runs on."""

import os
import re
import shutil
import subprocess

from transforms.core.base.errors import UsageError

VERSIONS = (11, 17)


def find_java() -> str:
    """Path of the `java` in JAVA_HOME, else of the first on PATH.

    Raises:
      UsageError: There is none, or another version than Flink runs on.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(f"{home}/bin/java") if home else None
    found = found or shutil.which("java")
    if found is None:
        raise UsageError(f"the Flink cluster needs Java 11 or 17, and none is here: {REMEDY}")
    version = java_version(found)
    if version not in VERSIONS:
        raise UsageError(
            f"the Flink cluster needs Java 11 or 17, and {found} is Java {version}: {REMEDY}"
        )
    return found


REMEDY = (
    "install it (Debian's packages are openjdk-17-jdk-headless and maven) or set JAVA_HOME to one "
    "that is installed"
)


def java_version(java: str) -> int | None:
    """The major version of a `java`; None where it does not say."""
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else None
