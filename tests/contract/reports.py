"""Reports for tools: JUnit, SARIF, CTRF and the pages of promises. In all of them a check is `<class>.<check>`.

junit.xml        for CI: a test case for each check
ctrf.json        the same in the Common Test Report Format (https://ctrf.io)
contract.sarif   for code scanning: findings, at the contract's lines (SARIF 2.1.0)
promises.json    the result of each promise
promises.html    the same, for people
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import schemathesis.checks

from .checks import CLASSES
from .contract import OPENAPI, contract
from .outcome import Finding, Outcome
from .promise_results import Entry, cited_promises, entries
from .promises_report import as_data, as_html, as_json
from .redaction import without_secrets
from .run import printable, secrets_to_hide
from .target import Target

PASSED, FAILED, SKIPPED, ERROR = "passed", "failed", "skipped", "error"
TOOL = "contract run"
SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
CTRF_VERSION = "0.0.0"
# The class of findings whose name is not a check.
OTHERS = "run"


@dataclass(frozen=True)
class Case:
    """A check and its result."""

    kind: str
    check: str
    status: str
    reason: str
    """Why it was skipped."""
    findings: tuple[Finding, ...]
    judged: int
    """Number of judged responses."""

    @property
    def name(self) -> str:
        return f"{self.kind}.{self.check}"

    @property
    def message(self) -> str:
        return "; ".join(finding.message for finding in self.findings) or self.reason

    @property
    def details(self) -> str:
        parts = ((each.message, each.also, each.curl) for each in self.findings)
        return "\n\n".join("\n".join(filter(None, part)) for part in parts)


def cases(target: Target, outcome: Outcome, found: list[Entry]) -> Iterator[Case]:
    """Yield the result of each check, in the order of classes."""
    known = {check for names in CLASSES.values() for check in names}
    named = dict.fromkeys(finding.check for finding in outcome.listed if finding.check not in known)
    for kind, checks in {**CLASSES, **({OTHERS: tuple(named)} if named else {})}.items():
        for check in checks:
            findings = tuple(finding for finding in outcome.listed if finding.check == check)
            judged = outcome.checks[check]
            reason = "" if findings or judged else skip_reason(check, target, found)
            yield Case(kind, check, FAILED if findings else SKIPPED if reason else PASSED, reason, findings, judged)


def skip_reason(check: str, target: Target, found: list[Entry]) -> str:
    """Return why a check had nothing to judge."""
    if check in target.excluded_checks:
        return "excluded by EXCLUDE_CHECKS"
    reasons = [each.reason.text for each in found if check in each.line.checks and each.reason.text]
    return "it had nothing to judge" + (f": {reasons[0]}" if reasons else "")


def write_reports(target: Target, outcome: Outcome, title: str) -> None:
    """Write the reports, without secrets.

    Args:
        target: The server under test.
        outcome: The result of the run.
        title: The name of the server.
    """
    found = entries(target, outcome)
    every = list(cases(target, outcome, found))
    data = as_data(target, outcome, found)
    texts = {
        "junit.xml": junit(by_class(every), outcome.ended - outcome.began),
        "ctrf.json": ctrf(every, outcome),
        "contract.sarif": sarif(outcome, found),
        "promises.json": as_json(data),
        "promises.html": as_html(data, title),
    }
    target.report_dir.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        Path(target.report_dir, name).write_text(
            printable(without_secrets(text, secrets_to_hide(target))), "utf-8", newline=""
        )


def by_class(every: list[Case]) -> dict[str, list[Case]]:
    return {kind: [case for case in every if case.kind == kind] for kind in dict.fromkeys(case.kind for case in every)}


def junit(suites: Mapping[str, list[Case]], seconds: float) -> str:
    """Return a suite for each class, with a test case for each check."""
    every = [case for members in suites.values() for case in members]
    root = ElementTree.Element("testsuites", {"name": TOOL, **counts(every), "time": f"{seconds:.3f}"})
    for name, members in suites.items():
        suite = ElementTree.SubElement(root, "testsuite", {"name": name, **counts(members)})
        for case in members:
            below = ElementTree.SubElement(suite, "testcase", {"classname": case.kind, "name": case.name})
            if case.status in (FAILED, ERROR):
                kind = "failure" if case.status == FAILED else "error"
                failure = ElementTree.SubElement(below, kind, {"message": printable(case.message)})
                failure.text = printable(case.details)
            elif case.status == SKIPPED:
                ElementTree.SubElement(below, "skipped", {"message": printable(case.reason)})
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def counts(every: list[Case]) -> dict[str, str]:
    statuses = [case.status for case in every]
    names = {"failures": FAILED, "skipped": SKIPPED, "errors": ERROR}
    return {"tests": str(len(every)), **{name: str(statuses.count(status)) for name, status in names.items()}}


def ctrf(every: list[Case], outcome: Outcome) -> str:
    """Return a test for each check. Durations are 0: all checks judge the same responses."""
    statuses = [case.status for case in every]
    tests = []
    for case in every:
        test = {"name": case.name, "status": case.status, "duration": 0, "suite": [case.kind]}
        test |= {"message": case.message} if case.message else {}
        test |= {"trace": case.details} if case.details else {}
        tests.append(test | {"extra": {"requests": case.judged}})
    summary = {
        "tests": len(every),
        **{status: statuses.count(status) for status in (PASSED, FAILED, SKIPPED)},
        "pending": 0,
        "other": 0,
        "start": round(outcome.began * 1000),
        "stop": round(outcome.ended * 1000),
    }
    results = {"tool": {"name": TOOL}, "summary": summary, "tests": tests}
    return as_json({"reportFormat": "CTRF", "specVersion": CTRF_VERSION, "generatedBy": TOOL, "results": results})


def sarif(outcome: Outcome, found: list[Entry]) -> str:
    """Return a result for each finding, at the lines of the broken promises."""
    return as_sarif([sarif_result(finding, lines_of(finding, found)) for finding in outcome.listed])


def sarif_result(finding: Finding, lines: list[int]) -> dict[str, Any]:
    return {
        "ruleId": finding.check,
        "level": "error",
        "message": {"text": finding.message + (f"\n{finding.curl}" if finding.curl else "")},
        "locations": [location(line) for line in lines],
        "partialFingerprints": {"promises/v1": fingerprint(finding)},
        "occurrenceCount": finding.count,
    }


def as_sarif(results: list[dict[str, Any]]) -> str:
    """Return the document: results, and a rule for each check."""
    names = dict.fromkeys([check for checks in CLASSES.values() for check in checks])
    names |= dict.fromkeys(each["ruleId"] for each in results)
    kinds = {check: kind for kind, checks in CLASSES.items() for check in checks}
    rules = [
        {
            "id": name,
            "shortDescription": {"text": check_description(name)},
            "properties": {"tags": [kinds.get(name, OTHERS)]},
        }
        for name in names
    ]
    driver = {"name": TOOL, "semanticVersion": str(contract().document["info"]["version"]), "rules": rules}
    ids = list(names)
    indexed = [each | {"ruleIndex": ids.index(each["ruleId"])} for each in results]
    run = {"tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "results": indexed}
    return as_json({"$schema": SARIF, "version": "2.1.0", "runs": [run]})


def check_description(check: str) -> str:
    """Describe a check in a sentence."""
    registered: list[Any] = schemathesis.checks.CHECKS.get_by_names([check]) if check in known_checks() else []
    text = (getattr(registered[0], "__doc__", None) or "") if registered else ""
    return text.strip().partition("\n\n")[0].replace("\n", " ") or f"{check.replace('_', ' ')}."


def known_checks() -> list[str]:
    return list(schemathesis.checks.CHECKS.get_all_names())


def lines_of(finding: Finding, found: list[Entry]) -> list[int]:
    """Return the lines of a finding in the contract; the first line if it is about no promise."""
    lines = [each.line.promise.node.line for each in cited_promises(finding, found)]
    return sorted({line for line in lines if line}) or [1]


def location(line: int) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": OPENAPI.name, "uriBaseId": "%SRCROOT%"}, "region": {"startLine": line}}
    return {"physicalLocation": place}


def fingerprint(finding: Finding) -> str:
    """Return a hash that is the same for the same fault, whatever was sent."""
    return hashlib.sha256(json.dumps([finding.check, sorted(finding.promises)]).encode()).hexdigest()
