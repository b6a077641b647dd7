"""`make docs`: the page is complete and self-contained, and its samples work."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from html import escape, unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codegen import ROOT
from codegen.__main__ import main
from codegen.contract import Contract
from codegen.docs import render
from tests.codegen.trees import CONTRACT_PATH, copy_tree
from tests.reference_server import seed
from tests.reference_server.uvicorn_server import running

CONTRACT = Contract(CONTRACT_PATH).document
PAGE = render(CONTRACT)
((PATH, ITEM),) = CONTRACT["paths"].items()
OPERATION = ITEM["get"]
SCHEMAS = CONTRACT["components"]["schemas"]
# Names of Chromium.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Reader(HTMLParser):
    """A strict parser: each tag must be closed, in order."""

    VOID = ("meta", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


READER = Reader(PAGE)


def plain(description: str) -> list[str]:
    """Return the paragraphs of a description as text."""
    return [" ".join(part.replace("`", "").split()) for part in re.split(r"\n\s*\n", description)]


def descriptions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            if key == "description" and isinstance(below, str):
                yield below
            elif key not in ("example", "tags"):
                yield from descriptions(below)
    elif isinstance(value, list):
        for below in value:
            yield from descriptions(below)


# --- all of the contract ----------------------------------------------------------------------------------------------


def test_page_has_every_description() -> None:
    told = list(descriptions(CONTRACT))
    assert len(told) > 50
    for description in told:
        for paragraph in plain(description):
            assert paragraph in READER.text


def test_page_has_operation_credentials_and_statuses() -> None:
    assert f"GET {PATH}" in READER.text
    assert "Authorization: Bearer <token>" in READER.text and "Cookie: ks_uat=<token>" in READER.text
    for status in OPERATION["responses"]:
        assert f'id="response-{status}"' in PAGE


def test_page_has_parameters_with_bounds_and_defaults() -> None:
    table = READER.text[READER.text.index("Parameters of the request") : READER.text.index("Sample request curl")]
    assert re.findall(r"(\w+) (path|query|header|cookie) (required|optional) ([a-z ()0-9]*?)(?= [A-Z])", table) == [
        ("definition_id", "path", "required", "string (uuid)"),
        ("limit", "query", "optional", "integer at least 1 at most 100 default 20"),
        ("offset", "query", "optional", "integer at least 0 default 0"),
        ("authorization", "header", "optional", "string or null"),
        ("ks_uat", "cookie", "optional", "string or null"),
    ]


def test_page_has_fields_and_values() -> None:
    for name, schema in SCHEMAS.items():
        # Up to the next heading, or the end of the section.
        found = re.search(rf'<h3 id="schema-{name}">.*?(?=<h3|</section>)', PAGE, re.DOTALL)
        assert found
        part = Reader(found[0])
        for field in schema.get("properties", {}):
            needed = "required" if field in schema["required"] else "optional"
            assert f" {field} {needed} " in part.text, f"{name}.{field}"
        for value in schema.get("enum", ()):
            assert value in part.text.split()
        if "properties" in schema:
            assert ("No other fields." in part.text) is (schema.get("additionalProperties") is False)
    assert "array of WorkflowRunResponse" in READER.text and "ABCDPathSnapshot or null" in READER.text


def test_samples_are_the_examples_of_the_contract() -> None:
    samples = re.findall(r'<pre tabindex="0"><code>(\{.*?)</code></pre>', PAGE, re.DOTALL)
    expected = [answer["content"]["application/json"]["example"] for answer in OPERATION["responses"].values()]
    assert [json.loads(unescape(each)) for each in samples] == expected


def section(start: str, end: str) -> str:
    """Return the text of the page between two pieces of markup."""
    found = re.search(f"<h3 {start}.*?(?={end})", PAGE, re.DOTALL)
    assert found
    return Reader(found[0]).text


def test_page_has_rules_at_their_place() -> None:
    for name, schema in SCHEMAS.items():
        text = section(f'id="schema-{name}"', "<h3|</section>")
        for rule in schema.get("x-rules", ()):
            said = " ".join(f"{rule['message']} {rule['rule']}".replace("`", "").split())
            assert said in text
            assert f'id="rule-{rule["id"]}"' in PAGE
    for status, response in OPERATION["responses"].items():
        text = section(f'id="response-{status}"', "<h3|</section>")
        for rule in response.get("x-rules", ()):
            assert f"{rule['message']} {rule['rule']}" in text
    assert PAGE.count('<pre class="rule" tabindex="0"><code>') == 9


def test_page_has_list_promises_and_order_of_checks() -> None:
    text = section('id="list"', '<h3 id="judgement')
    assert "List A page repeats the limit and the offset. " in text
    assert "At most one run of a definition is RUNNING. at most 1 where self.status == 'RUNNING'" in text
    text = section('id="judgement"', "</section>")
    assert text.endswith(
        "credentials: 401 parameters: 422 existence of definition_id: 404 Resources of other tenants get the "
        "same response as those that do not exist. access to definition_id: 403 At any time: 429 or 503."
    )


def test_page_has_selections_at_the_parameter() -> None:
    document = copy.deepcopy(CONTRACT)
    parameter = document["paths"][PATH]["get"]["parameters"][1]
    rule = {"id": "few", "rule": "item.id == '<b>' && value > 1", "message": "Only <b>these</b>."}
    parameter["x-selects"] = [rule]
    page = render(document)
    assert "Only <b>these</b>. item.id == '<b>' && value > 1" in Reader(page).text and "<b>" not in page


# --- nothing else -----------------------------------------------------------------------------------------------------


def test_page_loads_nothing_and_has_only_internal_links() -> None:
    assert {tag for tag, _ in READER.tags}.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "form"})
    assert not re.search(r"url\(|@import|javascript:", PAGE)
    identifiers = [attributes["id"] for _, attributes in READER.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    links = [attributes["href"] or "" for _, attributes in READER.tags if "href" in attributes]
    assert len(links) > 20 and {link.removeprefix("#") for link in links} <= set(identifiers)
    assert all(link.startswith("#") for link in links)
    assert not any({"src", "style", "onclick"} & attributes.keys() for _, attributes in READER.tags)


def test_page_is_accessible() -> None:
    assert ("html", {"lang": "en"}) in READER.tags
    levels = [int(tag[1]) for tag, _ in READER.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert {"nav", "main", "header", "footer"} <= {tag for tag, _ in READER.tags}
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in READER.tags if tag == "th")
    count = [tag for tag, _ in READER.tags].count
    assert count("table") == count("caption") > 5


def test_the_same_contract_gives_the_same_bytes() -> None:
    code = (
        "from pathlib import Path; from codegen.docs import render; from codegen.openapi import read;"
        "print(render(read(Path('tests/codegen/contract.yaml'))), end='')"
    )
    environment = {**os.environ, "PYTHONPATH": "overrides", "PYTHONHASHSEED": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True)
    assert done.stdout.decode() == PAGE


def places(value: Any, pointer: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, below in entries for place in [(*pointer, key), *places(below, (*pointer, key))]]


READ = ("description", "summary", "title", "message", "rule", "where")
TEXTS = [place for place in places(CONTRACT) if place[-1] in READ and "example" not in place]
LEFT_OUT = """description summary example license servers security headers content default required enum format type
    schema properties x-rules x-list x-judged at_most echoes""".split()  # noqa: SIM905
OPTIONAL = [place for place in places(CONTRACT) if place[-1] in LEFT_OUT]


def changed(place: tuple[str | int, ...], value: str | None) -> dict[str, Any]:
    document = copy.deepcopy(CONTRACT)
    holder: Any = document
    for key in place[:-1]:
        holder = holder[key]
    if value is None:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return document


@settings(max_examples=15, derandomize=True, database=None, deadline=None)
@given(st.sampled_from(TEXTS), st.text(st.sampled_from("<>&\"'`{}% a\n/"), min_size=1))
@example(("info", "title"), "a")
@example(("components", "schemas", "PartType", "enum", 0), "a")
@example(("paths", PATH, "get", "responses", "404", "content", "application/json", "example", "detail"), "a")
def test_no_text_of_the_contract_becomes_markup(place: tuple[str | int, ...], text: str) -> None:
    page = render(changed(place, f"<b>{text}</b>"))
    assert "<b>" not in page
    assert [tag for tag, _ in Reader(page).tags if tag not in ("p", "code")] == [
        tag for tag, _ in READER.tags if tag not in ("p", "code")
    ]


UNSEEN = "\x00\x07\x1b\x7f\x9b\r\u2028\u202e\u2066\ufeff\ud800"


@settings(max_examples=15, derandomize=True, database=None, deadline=None)
@given(st.sampled_from(TEXTS), st.text(st.sampled_from(UNSEEN + "a"), min_size=1))
def test_control_characters_of_the_contract_are_escaped(place: tuple[str | int, ...], text: str) -> None:
    page = render(changed(place, text))
    assert not set(UNSEEN) & set(page) and page.encode()


@settings(max_examples=15, derandomize=True, database=None, deadline=None)
@given(st.sampled_from(OPTIONAL))
def test_page_renders_without_optional_parts(place: tuple[str | int, ...]) -> None:
    assert PATH in Reader(render(changed(place, None))).text


# --- the samples ------------------------------------------------------------------------------------------------------


def sample(name: str) -> str:
    found = re.search(rf'<code id="{name}">(.*?)</code>', PAGE, re.DOTALL)
    assert found
    return unescape(found[1]).replace(OPERATION["parameters"][0]["example"], seed.DEFINITION_ID)


def test_samples_run_against_the_reference_server() -> None:
    with running() as url:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "generated"),
            "KS_BASE_URL": url,
            "KS_TOKEN": seed.TOKEN,
            "TOKEN": seed.TOKEN,
        }
        commands = (
            [sys.executable, "-c", sample("client-sample") + "\n\n" + sample("page-sample")],
            ["sh", "-c", sample("curl-sample").replace(CONTRACT["servers"][0]["url"], url)],
        )
        program, curl = (
            subprocess.run(each, env=environment, capture_output=True, text=True, check=False) for each in commands
        )
    assert (program.returncode, program.stderr) == (0, "")
    *runs, page = program.stdout.splitlines()
    assert len(runs) == seed.RUNS and page.startswith(f"{seed.RUNS} [UUID(")
    answer = json.loads(curl.stdout)
    assert (answer["total"], answer["limit"], len(answer["items"])) == (seed.RUNS, 20, 20)


# --- the command, and a browser ---------------------------------------------------------------------------------------


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    tree = copy_tree(tmp_path / "tree")
    shutil.copy(CONTRACT_PATH, tree / "openapi.yaml")
    monkeypatch.setenv("REPORT_DIR", str(tmp_path / "a" / "b"))
    assert main(["docs"], tree) == 0
    assert (tmp_path / "a/b/docs.html").read_text(encoding="utf-8") == PAGE
    (tmp_path / "file").touch()
    monkeypatch.setenv("REPORT_DIR", str(tmp_path / "file"))
    assert main(["docs"], tree) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.fixture
def browse(tmp_path: Path) -> Callable[..., str]:
    """Open a page offline in a window of a given size, and return the output of the browser."""
    browser = next(filter(None, map(shutil.which, BROWSERS)))

    def browse(page: str, *options: str, width: int = 1280, height: int = 900) -> str:
        (tmp_path / "page.html").write_text(page, encoding="utf-8")
        command = [
            browser,
            *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
            f"--user-data-dir={tmp_path / 'profile'}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--window-size={width},{height}",
            *options,
            (tmp_path / "page.html").as_uri(),
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    return browse


@pytest.mark.browser
def test_browser_shows_the_page_offline(browse: Callable[..., str]) -> None:
    dom = browse(PAGE, "--dump-dom")
    assert Reader(dom[dom.index("<html") :]).text == READER.text


def sizes(browse: Callable[..., str], page: str) -> list[tuple[int, int]]:
    """Return the widths of window and page, on a phone and on a desktop."""
    # In frames, because a window cannot be as narrow as a phone.
    seen = "[innerWidth, document.documentElement.scrollWidth, document.body.innerText.length]"
    inner = page.replace("</body>", f"<script>parent.document.body.dataset['w' + innerWidth] = {seen}</script></body>")
    frames = "".join(
        f'<iframe width="{width}" style="border: 0" srcdoc="{escape(inner)}"></iframe>' for width in (1280, 390)
    )
    dom = browse(f"<!doctype html><body>{frames}</body>", "--dump-dom")
    found = re.findall(r'data-w\d+="(\d+),(\d+),(\d+)"', dom)
    assert all(int(words) > 5000 for _, _, words in found)
    return sorted((int(window), int(width)) for window, width, _ in found)


@pytest.mark.browser
def test_page_fits_desktop_and_phone(browse: Callable[..., str]) -> None:
    assert sizes(browse, PAGE) == [(390, 390), (1280, 1280)]


@pytest.mark.browser
def test_page_is_not_blank(browse: Callable[..., str], tmp_path: Path) -> None:
    image = tmp_path / "page.png"
    browse(PAGE, f"--screenshot={image}", width=390, height=844)
    # The header of a PNG has the size. A blank page has a few kilobytes.
    assert struct.unpack(">II", image.read_bytes()[16:24]) == (390, 844)
    assert image.stat().st_size > 20_000
