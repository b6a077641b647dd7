"""Reports of a fleet that tools read, and where all of them go.

fleet.html       for people: deployments by classes of promises, and each finding
fleet.json       all that is known, in the shape of fleet.schema.json
junit.xml        for CI: a suite for each deployment, in it a test case for each check
fleet.sarif      for code scanning: the findings, at the contract's lines; those that are known as unchanged
fleet.prom       for monitoring: figures of each deployment, as OpenMetrics text
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

from .memory import GONE, KNOWN, NEW
from .page import as_html
from .results import OUTCOMES, UNTESTED, Result

FILES = ("fleet.html", "fleet.json", "junit.xml", "fleet.sarif", "fleet.prom")


def write_reports(document: Result, folder: Path) -> None:
    """Writes them. Raises Problem, if that cannot be.

    Args:
        document: As `as_document` returns it.
        folder: Where they go.
    """
    found: list[Result] = document["deployments"]
    suites = {each["name"]: list(cases(each)) for each in found}
    texts = (
        as_html(document),
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
        raise Problem(f"no reports can be written to {folder}: {error.strerror}", "give another REPORT_DIR") from error


def as_finding(finding: Result) -> Finding:
    names = ("check", "message", "curl", "also")
    known = {name: finding[name] for name in names}
    return Finding(**known, count=finding["requests"], promises=set(finding["promises"]))


def cases(result: Result) -> Iterator[Case]:
    if result["outcome"] == UNTESTED:
        yield Case("fleet", "tested", ERROR, f"{result['problem']}; {result['fix']}", (), 0)
    for each in result["checks"]:
        found = [one for one in result["findings"] if one["check"] == each["check"]]
        told = tuple(as_finding(one | {"message": f"{state_of(one)}: {one['message']}"}) for one in found)
        yield Case(each["class"], each["check"], each["state"], each["reason"], told, each["judged"])


def state_of(finding: Result) -> str:
    """In words, since when there is one."""
    return f"{KNOWN} since {finding['since']}" if finding["state"] == KNOWN else NEW


def sarif_results(result: Result) -> Iterator[Result]:
    for each in result["findings"]:
        finding = as_finding(each | {"message": f"{result['name']}: {each['message']}"})
        found = sarif_result(finding, places(each["check"], frozenset(each["promises"])))
        found["partialFingerprints"]["deployment/v1"] = result["name"]
        yield found | {"baselineState": "new" if each["state"] == NEW else "unchanged"}


@cache
def places(check: str, pointers: frozenset[str]) -> list[int]:
    """The lines of promises, or if there are none, of those that the check judges; else the beginning."""
    named = [each for each in lines() if each.promise.node.pointer in pointers]
    found = named or [each for each in lines() if check in each.checks]
    return sorted({each.promise.node.line for each in found if each.promise.node.line}) or [1]


def metrics(found: list[Result]) -> str:
    """As OpenMetrics has it, which Prometheus's collector of text files reads too."""
    every = {
        "contract_outcome": ("Whether this is the outcome of the last run.", outcomes),
        "contract_findings": ("Ways in which the deployment violates the contract.", findings),
        "contract_promises": ("Promises of the contract, by what came of them.", promises),
        "contract_requests": ("Requests that the run took.", lambda each: [("", each["requests"])]),
        "contract_run_seconds": ("How long the run took.", lambda each: [("", each["seconds"])]),
        "contract_tested_timestamp_seconds": ("When it began.", lambda each: [("", seconds_of(each["began"]))]),
    }
    text = []
    for name, (meaning, samples) in every.items():
        unit = "\n# UNIT " + name + " seconds" if name.endswith("_seconds") else ""
        text.append(f"# HELP {name} {meaning}\n# TYPE {name} gauge{unit}")
        for each in found:
            text += [f'{name}{{deployment="{each["name"]}"{label}}} {value}' for label, value in samples(each)]
    return "\n".join([*text, "# EOF", ""])


def outcomes(result: Result) -> list[tuple[str, float]]:
    return [(f',outcome="{outcome}"', int(result["outcome"] == outcome)) for outcome in OUTCOMES]


def findings(result: Result) -> list[tuple[str, float]]:
    states = [each["state"] for each in result["findings"]]
    counts = {NEW: states.count(NEW), KNOWN: states.count(KNOWN), GONE: len(result["gone"])}
    return [(f',state="{state}"', count) for state, count in counts.items()]


def promises(result: Result) -> list[tuple[str, float]]:
    counts = result["promises"]
    counted = {"kept": counts["judged"] - counts[BROKEN], BROKEN: counts[BROKEN], OPEN: counts[OPEN]}
    return [(f',state="{state}"', count) for state, count in counted.items()]


def seconds_of(moment: str) -> float:
    return datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
