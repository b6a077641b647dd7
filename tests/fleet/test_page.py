"""Page and table show every deployment and its problems, and no text of a server can inject markup or control codes."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.codegen.test_docs import Reader, browse, sizes
from tests.fleet.config import Deployment, read_fleet
from tests.fleet.history import classify_findings
from tests.fleet.page import render_html, render_table
from tests.fleet.reports import FILES, write_reports
from tests.fleet.results import CONFORMS, OUTCOMES, PART, UNTESTED, VIOLATES, Result, as_document, untested_result
from tests.fleet.test_config import GOOD
from tests.fleet.test_fleet import SCHEMA

KINDS = ("schema", "bounds and defaults", "paging", "rules", "credentials", "errors", "protocol", "evidence")
HOSTILE = "<script>alert(1)</script> \x1b[2J\u202e\xad &quot; ]]>" + "x" * 300
__all__ = ["browse"]
DAY = "2026-11-30T03:00:00Z"


def make_result(deployment: Deployment, outcome: str) -> Result:
    """Return a result with an outcome."""
    if outcome == UNTESTED:
        return untested_result(deployment, HOSTILE, "wait", time.time())
    state = "broken" if outcome == VIOLATES else "judged"
    classes = {kind: {"state": "judged", "requests": 259, "findings": []} for kind in KINDS}
    findings = []
    if outcome == VIOLATES:
        classes["paging"] = {"state": state, "requests": 74, "findings": [1]}
        findings = [{"number": 1, "class": "paging", "check": "one_order", "message": HOSTILE, "also": HOSTILE}]
        findings[0] |= {"curl": f"curl 'https://{HOSTILE}'", "requests": 2, "promises": ["#/info/version"]}
    if outcome == PART:
        classes["rules"] = {"state": "not judged", "requests": 0, "findings": []}
    check = {"class": "paging", "check": "one_order", "state": "failed" if findings else "passed", "reason": ""}
    return untested_result(deployment, "", "", 0.0) | {
        "outcome": outcome,
        "requests": 273,
        "seconds": 15.2,
        "server_version": "1.0.0",
        "promises": {"promises": 193, "judged": 184, "broken": len(findings), "not judged": 9},
        "not_judged": [
            {"reason": HOSTILE, "promises": ["#/info"], "possible": False},
            {"reason": "no cookie", "promises": ["#/info"], "possible": outcome == PART},
        ],
        "classes": classes,
        "checks": [check | {"judged": 74}],
        "findings": findings,
        "lenient": {"limit": ["1.0"]},
    }


def document(count: int, folder: Path) -> Result:
    """Return a document with this many deployments, of all outcomes in turn."""
    # The last has a name of maximum length.
    names = [*(f"host-{number}.example" for number in range(count - 1)), "n" * 63]
    entries = (f'[[deployment]]\nname = "{name}"\nbase_url = "https://h"\n' for name in names)
    file = folder / "fleet.toml"
    file.write_text(GOOD.partition("[[deployment]]")[0] + "".join(entries), "utf-8")
    outcomes = [(each, OUTCOMES[number % 4]) for number, each in enumerate(read_fleet(file).deployments)]
    found = [
        untested_result(each, HOSTILE, "wait", time.time()) if how == UNTESTED else make_result(each, how)
        for each, how in outcomes
    ]
    return as_document(classify_findings(found, {}, DAY), 0.0)


def test_page_and_table_show_every_outcome(tmp_path: Path) -> None:
    data = document(8, tmp_path)
    jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True).validate(data)
    page = render_html(data)
    reader = Reader(page)
    for each in data["deployments"]:
        assert f'<section class="deployment" id="at-{each["name"]}"' in page and each["name"] in reader.text
    # Worst first. Each state has a word besides its colour, and each cell a link to the details.
    assert re.findall(r'<tr role="row" class="is-([a-z-]+)">', page) == [
        outcome.replace(" ", "-") for outcome in OUTCOMES for _ in range(2)
    ]
    for word in (*OUTCOMES, "kept", "1 new", "not judged"):
        assert word in reader.text
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links <= set(re.findall(r'id="([^"]+)"', page))
    assert {"at-host-0.example--paging", "open-host-2.example"} <= links
    assert not re.search(r'(?:src|href)="(?!#)|url\(|@import', page)
    table = render_table(data).splitlines()
    assert all(line.isprintable() for line in table)
    assert table[0].split() == ["deployment", "outcome", *(kind.split()[0] for kind in KINDS), "judged", "requests"]
    assert table[1].startswith("host-0.example") and "1 new" in table[1] and VIOLATES in table[1]
    assert any(CONFORMS in line and line.endswith("273") for line in table)
    assert table[-1] == "not judged: no cookie: host-2.example, host-6.example"


def test_reports_contain_no_control_characters_or_markup_of_servers(tmp_path: Path) -> None:
    write_reports(document(4, tmp_path), tmp_path)
    for name in FILES:
        text = (tmp_path / name).read_text("utf-8")
        assert not any(not each.isprintable() for each in set(text) - set("\n\r\t")), name
        assert "<script>alert" not in text or name.endswith(("json", "sarif")), name
    assert json.loads((tmp_path / "fleet.json").read_text("utf-8"))["version"] == 1


@pytest.mark.browser
@pytest.mark.parametrize("count", [5, 50])
def test_the_page_fits_a_desktop_and_a_phone(browse: Callable[..., str], tmp_path: Path, count: int) -> None:
    assert sizes(browse, render_html(document(count, tmp_path))) == [(390, 390), (1280, 1280)]


@pytest.mark.browser
def test_a_click_sorts_the_table(browse: Callable[..., str], tmp_path: Path) -> None:
    clicks = """<script>
      const names = () => [...document.querySelectorAll(".fleet tbody th")].map(each => each.innerText).join()
      const [first, second] = document.querySelectorAll(".fleet button")
      for (const [key, head] of Object.entries({ up: first, down: first, outcome: second })) {
        head.click()
        document.body.dataset[key] = names()
      }
    </script></body>"""
    dom = browse(render_html(document(12, tmp_path)).replace("</body>", clicks), "--dump-dom")
    found: dict[str, Any] = {name: re.search(rf'data-{name}="([^"]+)"', dom) for name in ("up", "down", "outcome")}
    order = [*(f"host-{number}.example" for number in range(11)), "n" * 63]
    assert found["up"][1].split(",") == order
    assert found["down"][1].split(",") == order[::-1]
    assert found["outcome"][1].split(",")[:3] == ["host-8.example", "host-4.example", "host-0.example"]
