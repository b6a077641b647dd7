"""Tests one deployment: in a process of its own, where it may take what it needs, and may die."""

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

from .reading import Deployment
from .results import CONFORMS, LONGEST, PART, VIOLATES, Result, described, moment, untested

# Characters of what a server calls its version, and of what was asked for.
VERSION, ASKED = 40, 120


@dataclass(frozen=True)
class Asked:
    """What is to be tested."""

    deployment: Deployment
    target: Target


def prepare() -> None:
    """For the process, before it tests any."""
    # Else the requests library would send a password from there in place of the credentials under test.
    os.environ["NETRC"] = os.devnull
    collect_rarely()


def try_out(asked: Asked) -> Result:
    """Returns what came of it, without secrets."""
    began = time.time()
    output = io.StringIO()
    with ExitStack() as cleanup, redirect_stdout(output), redirect_stderr(output):
        try:
            clear_reports(asked.target.report_dir)
            target, session = connect(asked.target, cleanup)
            outcome = run_and_report(target, session, cleanup, lambda line: None)
            result = described(asked.deployment) | judged(target, outcome) | seen(target, session, outcome)
            result |= {"began": moment(began), "seconds": round(time.time() - began, 1)}
        except Problem as problem:
            result = untested(asked.deployment, problem.problem, problem.fix, began)
        except Exception as error:
            fix = f"repeat it, and report it with its output: {described(asked.deployment)['repeat']}"
            what = f"the contract run itself failed: {type(error).__name__}: {error}"
            result = untested(asked.deployment, what, fix, began)
    found: Result = json.loads(without_secrets(json.dumps(result), asked.target.secrets))
    return found


def judged(target: Target, outcome: Outcome) -> Result:
    """What is known of the promises of the contract, and what was found."""
    promised = entries(target, outcome)
    every = list(cases(target, outcome, promised))
    # What could have been judged, had more been given.
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
        "not_judged": reasons(promised),
        "unseen": not_judged(target, outcome),
        "classes": {kind: of_class(kind, every, outcome) for kind in dict.fromkeys(kinds.values())},
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


def of_class(kind: str, every: list[Case], outcome: Outcome) -> Result:
    checks = {each.check for each in every if each.kind == kind}
    numbers = [number for number, each in enumerate(outcome.listed, 1) if each.check in checks]
    count = outcome.classes[kind]
    return {"state": BROKEN if numbers else JUDGED if count else OPEN, "requests": count, "findings": numbers}


def reasons(promised: list[Entry]) -> list[Result]:
    """Why promises were not judged, those first that concern most."""
    found: dict[str, list[str]] = {}
    for each in promised:
        if each.state == OPEN:
            found.setdefault(each.reason.text, []).append(each.pointer)
    return [
        {"reason": reason, "promises": pointers, "possible": not unprovokable().issuperset(pointers)}
        for reason, pointers in sorted(found.items(), key=lambda entry: -len(entry[1]))
    ]


def seen(target: Target, session: Session, outcome: Outcome) -> Result:
    """What else was seen of the server."""
    return {
        "server_version": None if session.ended_early else version_of(target),
        "requests": outcome.sent,
        "ended_early": outcome.ended_early,
        "answers": dict(sorted(outcome.answers.items())),
        "lenient": {name: sorted(how) for name, how in sorted(outcome.accepted_variants.items())},
        "times": times_of(outcome.times),
    }


def version_of(target: Target) -> str | None:
    """What the server says of itself, in the document that FastAPI serves."""
    try:
        document: Any = json.loads(read_document(f"{target.base_url}/openapi.json"))
        version = document["info"]["version"]
    except (Incomparable, ValueError, LookupError, TypeError, RecursionError):
        return None
    return escaped(version, VERSION) if isinstance(version, str) else None


def times_of(times: Times) -> Result | None:
    """How long answers took, in seconds."""
    if not times.answers:
        return None
    seconds = sorted(each for each, _ in times.answers)
    longest, asked = max(times.answers)
    return {
        "median": round(statistics.median(seconds), 3),
        "most": round(seconds[int(len(seconds) * 0.95)], 3),
        "longest": round(longest, 3),
        "asked": escaped(asked, ASKED),
        "slow": escaped(times.slow, LONGEST),
    }
