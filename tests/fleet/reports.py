"""Writes the reports of a fleet.

fleet.html       for people: deployments by class of promises, and each finding
fleet.json       all results, in the shape of fleet.schema.json
junit.xml        for CI: a suite for each deployment, a test case for each check
fleet.sarif      for code scanning: the findings, at the contract's lines; known ones as unchanged
fleet.prom       for monitoring: metrics of each deployment, as OpenMetrics text
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from tests.contract.contract import Problem
from tests.contract.coverage import lines
from tests.contract.outcome import Finding
from tests.contract.promise_results import BROKEN, OPEN
from tests.contract.promises_report import as_json
from tests.contract.reports import ERROR, Case, as_sarif, junit, sarif_result
from tests.contract.run import printable

from .history import GONE, KNOWN, NEW
from .page import render_html
from .results import OUTCOMES, UNTESTED, Result

FILES = ("fleet.html", "fleet.json", "junit.xml", "fleet.sarif", "fleet.prom")


def write_reports(document: Result, folder: Path) -> None:
    """Write all reports. Raises Problem if the folder is not writable.

    Args:
        document: As `as_document` returns it.
        folder: Is created if it does not exist.
    """
    found: list[Result] = document["deployments"]
    suites = {each["name"]: list(junit_cases(each)) for each in found}
    texts = (
        render_html(document),
        as_json(document),
        junit(suites, sum(each["seconds"] for each in found)),
        as_sarif([result for each in found for result in sarif_results(each)]),
        metrics(found),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in zip(FILES, texts, strict=True):
            (folder / name).write_text(printable(text), "utf-8", newline="")
    except OSError as error:
        raise Problem(f"cannot write reports to {folder}: {error.strerror}", "set another REPORT_DIR") from error


def as_finding(finding: Result) -> Finding:
    names = ("check", "message", "curl", "also")
    known = {name: finding[name] for name in names}
    return Finding(**known, count=finding["requests"], promises=set(finding["promises"]))


def junit_cases(result: Result) -> Iterator[Case]:
    if result["outcome"] == UNTESTED:
        yield Case("fleet", "tested", ERROR, f"{result['problem']}; {result['fix']}", (), 0)
    for each in result["checks"]:
        found = [one for one in result["findings"] if one["check"] == each["check"]]
        findings = tuple(as_finding(one | {"message": f"{state_label(one)}: {one['message']}"}) for one in found)
        yield Case(each["class"], each["check"], each["state"], each["reason"], findings, each["judged"])


def state_label(finding: Result) -> str:
    """Return "new" or "known since ..."."""
    return f"{KNOWN} since {finding['since']}" if finding["state"] == KNOWN else NEW


def sarif_results(result: Result) -> Iterator[Result]:
    for each in result["findings"]:
        finding = as_finding(each | {"message": f"{result['name']}: {each['message']}"})
        found = sarif_result(finding, contract_lines(each["check"], frozenset(each["promises"])))
        found["partialFingerprints"]["deployment/v1"] = result["name"]
        yield found | {"baselineState": "new" if each["state"] == NEW else "unchanged"}


@cache
def contract_lines(check: str, pointers: frozenset[str]) -> list[int]:
    """Return the lines of the promises, else those of the promises that the check judges, else line 1."""
    named = [each for each in lines() if each.promise.node.pointer in pointers]
    found = named or [each for each in lines() if check in each.checks]
    return sorted({each.promise.node.line for each in found if each.promise.node.line}) or [1]


def metrics(found: list[Result]) -> str:
    """Return OpenMetrics text. Prometheus's textfile collector reads it too."""
    every = {
        "contract_outcome": ("1 for the outcome of the last run, 0 for the others.", outcome_samples),
        "contract_findings": ("Violations of the contract, by state.", finding_samples),
        "contract_promises": ("Promises of the contract, by state.", promise_samples),
        "contract_requests": ("Requests sent by the last run.", lambda each: [("", each["requests"])]),
        "contract_run_seconds": ("Duration of the last run.", lambda each: [("", each["seconds"])]),
        "contract_tested_timestamp_seconds": ("Start of the last run.", lambda each: [("", timestamp(each["began"]))]),
    }
    text = []
    for name, (meaning, samples) in every.items():
        unit = "\n# UNIT " + name + " seconds" if name.endswith("_seconds") else ""
        text.append(f"# HELP {name} {meaning}\n# TYPE {name} gauge{unit}")
        for each in found:
            text += [f'{name}{{deployment="{each["name"]}"{label}}} {value}' for label, value in samples(each)]
    return "\n".join([*text, "# EOF", ""])


def outcome_samples(result: Result) -> list[tuple[str, float]]:
    return [(f',outcome="{outcome}"', int(result["outcome"] == outcome)) for outcome in OUTCOMES]


def finding_samples(result: Result) -> list[tuple[str, float]]:
    states = [each["state"] for each in result["findings"]]
    counts = {NEW: states.count(NEW), KNOWN: states.count(KNOWN), GONE: len(result["gone"])}
    return [(f',state="{state}"', count) for state, count in counts.items()]


def promise_samples(result: Result) -> list[tuple[str, float]]:
    counts = result["promises"]
    counted = {"kept": counts["judged"] - counts[BROKEN], BROKEN: counts[BROKEN], OPEN: counts[OPEN]}
    return [(f',state="{state}"', count) for state, count in counted.items()]


def timestamp(moment: str) -> float:
    return datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
