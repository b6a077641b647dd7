"""The contract run of one deployment, in a process of its own."""

from __future__ import annotations

import io
import json
import os
import statistics
import time
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

from codegen import Problem as Incomparable
from codegen.text import escaped
from tests.contract.__main__ import clear_reports, connect, not_judged, read_document, run_and_report
from tests.contract.contract import Problem
from tests.contract.outcome import Outcome
from tests.contract.promise_results import BROKEN, JUDGED, OPEN, Entry, entries, unprovokable
from tests.contract.promises_report import findings_of
from tests.contract.redaction import without_secrets
from tests.contract.reports import Case, cases
from tests.contract.run import collect_rarely
from tests.contract.session import Session
from tests.contract.slow_requests import Times
from tests.contract.target import Target

from .config import Deployment
from .results import CONFORMS, LONGEST, PART, VIOLATES, Result, base_result, format_time, untested_result

# Characters that are kept of a server's version and of a request.
MAX_VERSION, MAX_REQUEST = 40, 120


@dataclass(frozen=True)
class Task:
    """A deployment to test."""

    deployment: Deployment
    target: Target


def prepare() -> None:
    """Prepare the process, once."""
    # Otherwise requests replaces the credentials under test by those in ~/.netrc.
    os.environ["NETRC"] = os.devnull
    collect_rarely()


def run_deployment(task: Task) -> Result:
    """Run the contract run, and return its result without secrets."""
    began = time.time()
    output = io.StringIO()
    with ExitStack() as cleanup, redirect_stdout(output), redirect_stderr(output):
        try:
            clear_reports(task.target.report_dir)
            target, session = connect(task.target, cleanup)
            outcome = run_and_report(target, session, cleanup, lambda line: None)
            result = (
                base_result(task.deployment)
                | summarize_outcome(target, outcome)
                | summarize_observations(target, session, outcome)
            )
            result |= {"began": format_time(began), "seconds": round(time.time() - began, 1)}
        except Problem as problem:
            result = untested_result(task.deployment, problem.problem, problem.fix, began)
        except Exception as error:
            fix = f"reproduce it, and report the output: {base_result(task.deployment)['repeat']}"
            what = f"internal error of the contract run: {type(error).__name__}: {error}"
            result = untested_result(task.deployment, what, fix, began)
    found: Result = json.loads(without_secrets(json.dumps(result), task.target.secrets))
    return found


def summarize_outcome(target: Target, outcome: Outcome) -> Result:
    """Return outcome, promises, checks and findings of a run."""
    promised = entries(target, outcome)
    every = list(cases(target, outcome, promised))
    # Open promises that a run with more settings could judge.
    is_part = any(each.state == OPEN and each.pointer not in unprovokable() for each in promised)
    verdict = VIOLATES if outcome.findings else PART if is_part or outcome.ended_early else CONFORMS
    kinds = {case.check: case.kind for case in every}
    return {
        "outcome": verdict,
        "problem": "",
        "fix": "",
        "promises": {
            "promises": len(promised),
            "judged": sum(each.state != OPEN for each in promised),
            "broken": sum(each.state == BROKEN for each in promised),
            "not judged": sum(each.state == OPEN for each in promised),
        },
        "broken": [each.pointer for each in promised if each.state == BROKEN],
        "not_judged": not_judged_reasons(promised),
        "unseen": not_judged(target, outcome),
        "classes": {kind: summarize_class(kind, every, outcome) for kind in dict.fromkeys(kinds.values())},
        "checks": [
            {
                "class": each.kind,
                "check": each.check,
                "state": each.status,
                "reason": each.reason,
                "judged": each.judged,
            }
            for each in every
        ],
        "findings": [each | {"class": kinds[each["check"]]} for each in findings_of(outcome)],
    }


def summarize_class(kind: str, every: list[Case], outcome: Outcome) -> Result:
    checks = {each.check for each in every if each.kind == kind}
    numbers = [number for number, each in enumerate(outcome.listed, 1) if each.check in checks]
    count = outcome.classes[kind]
    return {"state": BROKEN if numbers else JUDGED if count else OPEN, "requests": count, "findings": numbers}


def not_judged_reasons(promised: list[Entry]) -> list[Result]:
    """Return the reasons why promises were not judged, the most frequent first."""
    found: dict[str, list[str]] = {}
    for each in promised:
        if each.state == OPEN:
            found.setdefault(each.reason.text, []).append(each.pointer)
    return [
        {"reason": reason, "promises": pointers, "possible": not unprovokable().issuperset(pointers)}
        for reason, pointers in sorted(found.items(), key=lambda entry: -len(entry[1]))
    ]


def summarize_observations(target: Target, session: Session, outcome: Outcome) -> Result:
    """Return what the run saw of the server besides findings."""
    return {
        "server_version": None if session.ended_early else read_server_version(target),
        "requests": outcome.sent,
        "ended_early": outcome.ended_early,
        "answers": dict(sorted(outcome.answers.items())),
        "lenient": {name: sorted(how) for name, how in sorted(outcome.accepted_variants.items())},
        "times": summarize_times(outcome.times),
    }


def read_server_version(target: Target) -> str | None:
    """Return `info.version` of the server's own /openapi.json, or None."""
    try:
        document: Any = json.loads(read_document(f"{target.base_url}/openapi.json"))
        version = document["info"]["version"]
    except (Incomparable, ValueError, LookupError, TypeError, RecursionError):
        return None
    return escaped(version, MAX_VERSION) if isinstance(version, str) else None


def summarize_times(times: Times) -> Result | None:
    """Return response times in seconds, or None without responses."""
    if not times.answers:
        return None
    seconds = sorted(each for each, _ in times.answers)
    longest, request = max(times.answers)
    return {
        "median": round(statistics.median(seconds), 3),
        "most": round(seconds[int(len(seconds) * 0.95)], 3),
        "longest": round(longest, 3),
        "asked": escaped(request, MAX_REQUEST),
        "slow": escaped(times.slow, LONGEST),
    }
