"""Functions that run in a process of their own, to measure its memory."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from tests.contract.run import run
from tests.contract.session import Session
from tests.contract.target import Target
from tests.mutants.trial import target_at

# Response timeouts in seconds: here, and in a run, whose good responses must be in time on a busy machine.
WITHIN, IN_A_RUN = 1, 3


def impatient(base_url: str, reports: Path) -> Target:
    """A deployment with short timeouts."""
    return replace(
        target_at(base_url, reports),
        is_deployment=True,
        all_methods=False,
        rate_limit="1000/s",
        max_examples=5,
        answer_within=WITHIN,
    )


def measure(base_url: str, folder: str) -> dict[str, Any]:
    """Return the result of a contract run."""
    target = replace(impatient(base_url, Path(folder, "reports")), answer_within=IN_A_RUN)
    outcome = run(target, Path(folder, "work"))
    findings = [vars(finding) for finding in outcome.findings.values()]
    return {"findings": findings, "errors": outcome.errors, "ended_early": outcome.ended_early, "sent": outcome.sent}


def ask(base_url: str, number: int) -> dict[str, Any]:
    """Return the responses to so many requests in a row."""
    answers = []
    with Session(impatient(base_url, Path())).opened() as session:
        for _ in range(number):
            start = time.monotonic()
            answer = requests.get(base_url)
            answers.append([answer.status_code, answer.reason, time.monotonic() - start])
            session.ended_early, session.failures = "", 0
    return {"answers": answers}


def peak() -> int:
    """Return the peak memory in megabytes. Not by getrusage, which includes the parent process."""
    found = re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text("ascii"))
    assert found
    return int(found[1]) // 1024


def measured(what: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Call a function, and add the peak memory to its result."""
    return what(*arguments) | {"megabytes": peak()}
