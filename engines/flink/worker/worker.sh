#!/bin/sh
# The command of the environment PROCESS: {"command": "PROJECT/engines/flink/worker/worker.sh"}.
# PYTHON names another interpreter than the project's own.
root=$(cd "$(dirname "$0")/../../.." && pwd)
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
# Flink shows what a worker logs, but not what it says before it is connected.
[ -z "$LOCALIZED_NARRATIVES_FLINK" ] || exec 2>>"$LOCALIZED_NARRATIVES_FLINK/logs/workers.log"
exec "${PYTHON:-$root/.venv/bin/python}" -m engines.flink.worker.worker "$@"
