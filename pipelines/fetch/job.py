"""Brings published files into a folder or bucket: all that the catalogs know, by name."""

import json
from collections.abc import Sequence

from pipelines.cli import log, stopping
from pipelines.cli.options import parse_command_line
from pipelines.fetch.options import FetchOptions
from pipelines.fetch.planning import Plan, make_plan
from pipelines.fetch.running import fetch_by_engine, fetch_by_threads, is_engines
from pipelines.fetch.summary import (
    AGAIN,
    DONE,
    exit_code,
    outcomes_as_json,
    outcomes_as_text,
    plan_as_json,
    plan_as_text,
)
from transforms import storage
from transforms.transfer.outcomes import Outcome

PROG = "python -m pipelines.fetch"

OPTIONS = FetchOptions

_DESCRIPTION = (
    "Brings published files into a folder or bucket, by names of the catalog: narratives, "
    "captions, transcriptions, Open Images V1 to V7, COCO, and the other collections. Downloads "
    "are resumed where they ended, compared with the sizes and checksums on record, and get their "
    "names when they are complete; what is there already is not fetched again. Proxies and "
    "certificates are those of HTTPS_PROXY, HTTP_PROXY, NO_PROXY and REQUESTS_CA_BUNDLE."
)

_RESUMES = "Files that were begun are resumed where they ended."


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Fetches what the command line names; returns the exit code."""
    options, beam_args = parse_command_line(FetchOptions, argv, prog, _DESCRIPTION)
    plan = make_plan(options)
    if options.dry_run:
        return _foretell(options, plan)
    storage.check_writable(options.to)
    with stopping.noting(lambda: _RESUMES):
        if is_engines(options):
            outcomes = fetch_by_engine(options, plan, beam_args)
        else:
            outcomes = fetch_by_threads(options, plan)
    return DONE if outcomes is None else _report(options, plan, outcomes)


def _foretell(options: FetchOptions, plan: Plan) -> int:
    if options.summary == "json":
        print(json.dumps(plan_as_json(plan), indent=1))
    else:
        print("\n".join(plan_as_text(plan)))
    log.ending("dry_run", "Nothing was done (--dry-run).")
    return DONE


def _report(options: FetchOptions, plan: Plan, outcomes: Sequence[Outcome]) -> int:
    lines = list(outcomes_as_text(plan, outcomes))
    if options.summary == "json":
        print(json.dumps(outcomes_as_json(plan, outcomes), indent=1))
    elif not log.is_quiet():
        print("\n".join(lines))
    code = exit_code(outcomes)
    if code != DONE:
        log.ending("failed", lines[-1], retryable=code == AGAIN)
    return code
