"""The fleet at a glance: deployments by classes of promises, as a page and as a table on a terminal."""

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

from .memory import KNOWN, NEW
from .results import OUTCOMES, PART, UNTESTED, Result

TEMPLATE = Path(__file__).with_name("fleet.html.jinja")
# On the terminal: columns, findings of one deployment, characters of each, and names in one line.
WIDEST, NARROWEST, FINDINGS_SHOWN, MESSAGE_SHOWN, NAMES_SHOWN = 120, 60, 3, 200, 5


def worst_first(document: Result) -> list[Result]:
    return sorted(document["deployments"], key=lambda each: OUTCOMES.index(each["outcome"]))


def classes(document: Result) -> list[str]:
    """The classes of promises, in their order."""
    return list(dict.fromkeys(kind for each in document["deployments"] for kind in each["classes"]))


def counted(findings: list[Result]) -> str:
    """How many are new and how many known, in words."""
    counts = Counter(each["state"] for each in findings)
    return ", ".join(f"{counts[state]} {state}" for state in (NEW, KNOWN) if counts[state])


def cell(result: Result, kind: str) -> dict[str, Any]:
    """What a class of promises came to: in words, where to read more, and what to sort by, the worst least."""
    found = result["classes"].get(kind)
    if found is None:
        return {"state": "nothing", "word": "-", "link": f"at-{result['name']}", "order": 1, "note": ""}
    number = len(found["findings"])
    if found["state"] == BROKEN:
        word = counted([each for each in result["findings"] if each["number"] in found["findings"]])
        return {"state": "broken", "word": word, "link": anchor(result, kind), "order": -number, "note": ""}
    if found["state"] == JUDGED:
        note = str(found["requests"])
        return {"state": "judged", "word": "kept", "link": f"at-{result['name']}", "order": 3, "note": note}
    return {"state": "not-judged", "word": "not judged", "link": f"open-{result['name']}", "order": 2, "note": ""}


def anchor(result: Result, kind: str) -> str:
    return f"at-{result['name']}--{re.sub(r'[^a-z0-9]+', '-', kind.lower())}"


def grouped(result: Result) -> list[tuple[str, str, list[Result]]]:
    """The findings by class, each with where it is linked to."""
    found: dict[str, list[Result]] = {}
    for each in result["findings"]:
        found.setdefault(each["class"], []).append(each)
    return [(kind, anchor(result, kind), some) for kind, some in found.items()]


def as_html(document: Result) -> str:
    """The page.

    Args:
        document: As `as_document` returns it.
    """
    return render_page(
        TEMPLATE,
        filters={"cell": cell, "grouped": grouped, "classed": lambda text: text.replace(" ", "-")},
        data=document,
        found=worst_first(document),
        kinds=classes(document),
        outcomes=OUTCOMES,
        order={outcome: number for number, outcome in enumerate(OUTCOMES)},
        exports=exports,
    )


def exports(result: Result) -> str:
    """What the curl commands need: the contract's variables, from those of the fleet."""
    return "\n".join(f'export {name}="${source}"' for name, source in result["credentials"].items() if name != source)


def as_table(document: Result) -> str:
    """The same for a terminal, with what is wrong below."""
    kinds = classes(document)
    rows = [["deployment", "outcome", *(kind.partition(" ")[0] for kind in kinds), "judged", "requests"]]
    for each in worst_first(document):
        counts = each["promises"]
        judged = f"{counts['judged']}/{counts['promises']}" if counts["promises"] else "-"
        rows.append(
            [each["name"], each["outcome"], *(short(each, kind) for kind in kinds), judged, str(each["requests"])]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*table, *wrong(document)])


def short(result: Result, kind: str) -> str:
    found = cell(result, kind)
    words = {"judged": "kept", "not-judged": "open"}
    return words.get(found["state"]) or str(found["word"])


def wrong(document: Result) -> list[str]:
    """What a maintainer has to look at, in lines."""
    found = []
    for each in worst_first(document):
        if each["outcome"] == UNTESTED:
            found += wrapped(f"{each['name']}: ", f"{each['problem']}; {each['fix']}")
        new = [finding for finding in each["findings"] if finding["state"] == NEW]
        for finding in new[:FINDINGS_SHOWN]:
            found += wrapped(f"{each['name']}: ", f"new: {finding['check']}: {finding['message'][:MESSAGE_SHOWN]}")
        if len(new) > FINDINGS_SHOWN:
            found.append(f"{each['name']}: {len(new) - FINDINGS_SHOWN} more that are new")
        if known := [finding for finding in each["findings"] if finding["state"] == KNOWN]:
            since = min(finding["since"] for finding in known)[:10]
            found.append(f"{each['name']}: {len(known)} known, the first since {since}")
        if each["gone"]:
            found += wrapped(f"{each['name']}: ", f"gone: {', '.join(gone['check'] for gone in each['gone'])}")
    found += unjudged(document)
    return ["", *found] if found else []


def unjudged(document: Result) -> list[str]:
    """What deployments that conform in part were not judged by, those together that lack the same."""
    lacking: dict[str, list[str]] = {}
    for each in document["deployments"]:
        if each["outcome"] == PART:
            reasons = [reason["reason"] for reason in each["not_judged"] if reason["possible"]]
            for reason in [*reasons, *filter(None, [each["ended_early"]])]:
                lacking.setdefault(reason, []).append(each["name"])
    found = []
    for reason, names in sorted(lacking.items(), key=lambda entry: -len(entry[1])):
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        found += wrapped("not judged: ", f"{escaped(reason, MESSAGE_SHOWN)}: {', '.join(names[:NAMES_SHOWN])}{more}")
    return found


def wrapped(title: str, text: str) -> list[str]:
    width = max(min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST), NARROWEST)
    return textwrap.wrap(text, width, initial_indent=title, subsequent_indent="  ", break_on_hyphens=False)
