"""The overview: deployments by class of promises, as an HTML page and as a terminal table."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

from codegen.html_page import render_page
from codegen.text import escaped
from tests.contract.promise_results import BROKEN, JUDGED

from .history import KNOWN, NEW
from .results import OUTCOMES, PART, UNTESTED, Result

TEMPLATE = Path(__file__).with_name("fleet.html.jinja")
# Limits of the terminal output: columns, new findings per deployment, characters per message, names per line.
WIDEST, NARROWEST, FINDINGS_SHOWN, MESSAGE_SHOWN, NAMES_SHOWN = 120, 60, 3, 200, 5


def sort_by_outcome(document: Result) -> list[Result]:
    return sorted(document["deployments"], key=lambda each: OUTCOMES.index(each["outcome"]))


def promise_classes(document: Result) -> list[str]:
    """Return the classes of promises, in order."""
    return list(dict.fromkeys(kind for each in document["deployments"] for kind in each["classes"]))


def count_states(findings: list[Result]) -> str:
    """Return the numbers of new and known findings, as text: "2 new, 1 known"."""
    counts = Counter(each["state"] for each in findings)
    return ", ".join(f"{counts[state]} {state}" for state in (NEW, KNOWN) if counts[state])


def cell(result: Result, kind: str) -> dict[str, Any]:
    """Return a table cell: state, text, link target, sort key (worst first) and note."""
    found = result["classes"].get(kind)
    if found is None:
        return {"state": "nothing", "word": "-", "link": f"at-{result['name']}", "order": 1, "note": ""}
    number = len(found["findings"])
    if found["state"] == BROKEN:
        word = count_states([each for each in result["findings"] if each["number"] in found["findings"]])
        return {"state": "broken", "word": word, "link": anchor(result, kind), "order": -number, "note": ""}
    if found["state"] == JUDGED:
        note = str(found["requests"])
        return {"state": "judged", "word": "kept", "link": f"at-{result['name']}", "order": 3, "note": note}
    return {"state": "not-judged", "word": "not judged", "link": f"open-{result['name']}", "order": 2, "note": ""}


def anchor(result: Result, kind: str) -> str:
    return f"at-{result['name']}--{re.sub(r'[^a-z0-9]+', '-', kind.lower())}"


def group_by_class(result: Result) -> list[tuple[str, str, list[Result]]]:
    """Return the findings by class: its name, its anchor and its findings."""
    found: dict[str, list[Result]] = {}
    for each in result["findings"]:
        found.setdefault(each["class"], []).append(each)
    return [(kind, anchor(result, kind), some) for kind, some in found.items()]


def render_html(document: Result) -> str:
    """Return the HTML page.

    Args:
        document: As `as_document` returns it.
    """
    return render_page(
        TEMPLATE,
        filters={"cell": cell, "group_by_class": group_by_class, "classed": lambda text: text.replace(" ", "-")},
        data=document,
        found=sort_by_outcome(document),
        kinds=promise_classes(document),
        outcomes=OUTCOMES,
        order={outcome: number for number, outcome in enumerate(OUTCOMES)},
        exports=export_lines,
    )


def export_lines(result: Result) -> str:
    """Return the export commands that the curl commands need."""
    return "\n".join(f'export {name}="${source}"' for name, source in result["credentials"].items() if name != source)


def render_table(document: Result) -> str:
    """Return the overview for a terminal, followed by the problems."""
    kinds = promise_classes(document)
    rows = [["deployment", "outcome", *(kind.partition(" ")[0] for kind in kinds), "judged", "requests"]]
    for each in sort_by_outcome(document):
        counts = each["promises"]
        judged = f"{counts['judged']}/{counts['promises']}" if counts["promises"] else "-"
        rows.append(
            [each["name"], each["outcome"], *(table_cell(each, kind) for kind in kinds), judged, str(each["requests"])]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*table, *list_problems(document)])


def table_cell(result: Result, kind: str) -> str:
    found = cell(result, kind)
    words = {"judged": "kept", "not-judged": "open"}
    return words.get(found["state"]) or str(found["word"])


def list_problems(document: Result) -> list[str]:
    """Return the lines below the table: failures, findings and promises that were not judged."""
    found = []
    for each in sort_by_outcome(document):
        if each["outcome"] == UNTESTED:
            found += wrap(f"{each['name']}: ", f"{each['problem']}; {each['fix']}")
        new = [finding for finding in each["findings"] if finding["state"] == NEW]
        for finding in new[:FINDINGS_SHOWN]:
            found += wrap(f"{each['name']}: ", f"new: {finding['check']}: {escaped(finding['message'], MESSAGE_SHOWN)}")
        if len(new) > FINDINGS_SHOWN:
            found.append(f"{each['name']}: {len(new) - FINDINGS_SHOWN} more new findings")
        if known := [finding for finding in each["findings"] if finding["state"] == KNOWN]:
            since = min(finding["since"] for finding in known)[:10]
            found.append(f"{each['name']}: {len(known)} known, the oldest since {since}")
        if each["gone"]:
            found += wrap(f"{each['name']}: ", f"gone: {', '.join(gone['check'] for gone in each['gone'])}")
    found += list_not_judged(document)
    return ["", *found] if found else []


def list_not_judged(document: Result) -> list[str]:
    """Return the reasons for partial conformance, each with the deployments it applies to."""
    lacking: dict[str, list[str]] = {}
    for each in document["deployments"]:
        if each["outcome"] == PART:
            reasons = [reason["reason"] for reason in each["not_judged"] if reason["possible"]]
            for reason in [*reasons, *filter(None, [each["ended_early"]])]:
                lacking.setdefault(reason, []).append(each["name"])
    found = []
    for reason, names in sorted(lacking.items(), key=lambda entry: -len(entry[1])):
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        found += wrap("not judged: ", f"{escaped(reason, MESSAGE_SHOWN)}: {', '.join(names[:NAMES_SHOWN])}{more}")
    return found


def wrap(title: str, text: str) -> list[str]:
    width = max(min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST), NARROWEST)
    return textwrap.wrap(text, width, initial_indent=title, subsequent_indent="  ", break_on_hyphens=False)
