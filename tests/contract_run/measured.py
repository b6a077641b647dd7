"""Runs in a process of its own, for tests that measure its memory, and prints what came of it as JSON.

python -m tests.contract_run.measured run URL FOLDER    the contract run
python -m tests.contract_run.measured ask URL NUMBER    that many requests, one after the other
"""

import json
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from tests.contract.run import run
from tests.contract.session import Session
from tests.contract.target import Target
from tests.mutants.trial import target_at

# Seconds that an answer may take here.
WITHIN = 1


def impatient(base_url: str, reports: Path) -> Target:
    """A deployment that is given little time for each answer."""
    return replace(
        target_at(base_url, reports),
        is_deployment=True,
        all_methods=False,
        rate_limit="1000/s",
        max_examples=5,
        answer_within=WITHIN,
    )


def test(base_url: str, folder: str) -> dict[str, Any]:
    target = impatient(base_url, Path(folder, "reports"))
    outcome = run(target, Path(folder, "work"))
    findings = [vars(finding) for finding in outcome.findings.values()]
    return {"findings": findings, "errors": outcome.errors, "ended_early": outcome.ended_early, "sent": outcome.sent}


def ask(base_url: str, number: str) -> dict[str, Any]:
    answers = []
    with Session(impatient(base_url, Path())).opened() as session:
        for _ in range(int(number)):
            start = time.monotonic()
            answer = requests.get(base_url)
            answers.append([answer.status_code, answer.reason, time.monotonic() - start])
            session.ended_early, session.failures = "", 0
    return {"answers": answers}


def peak() -> int:
    """Megabytes. Not by getrusage, which counts what the process that started this one had."""
    found = re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text("ascii"))
    assert found
    return int(found[1]) // 1024


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    found = {"run": test, "ask": ask}[what](*arguments)
    print(json.dumps(found | {"megabytes": peak()}, default=sorted))
