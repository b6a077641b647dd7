"""`make docs` of the board's contract: each operation has a section with everything that the contract says about it."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
from html import unescape
from itertools import pairwise
from typing import Any

import pytest

from codegen.docs import render
from codegen.docs_samples import python_name
from codegen.openapi import read
from tests.board.data import OPENAPI, PROJECT_ID, TASK_ID, TOKEN
from tests.board.server import running
from tests.codegen.test_docs import BROWSERS, Reader, browse, descriptions, plain

CONTRACT: dict[str, Any] = read(OPENAPI).value
PAGE = render(CONTRACT)
READER = Reader(PAGE)
OPERATIONS = {
    each["operationId"]: (path, method, item, each)
    for path, item in CONTRACT["paths"].items()
    for method, each in item.items()
    if method in ("get", "post", "delete")
}
__all__ = ["browse"]


def section(name: str) -> str:
    """Return the markup of an operation's section."""
    found = re.search(f'<section id="{name}".*?</section>', PAGE, re.DOTALL)
    assert found
    return found[0]


def followed(value: Any) -> Any:
    while "$ref" in value:
        target: Any = CONTRACT
        for part in value["$ref"].split("/")[1:]:
            target = target[part]
        value = target
    return value


def test_every_description_is_shown() -> None:
    found = [
        each for part in ("info", "servers", "security", "paths", "components") for each in descriptions(CONTRACT[part])
    ]
    assert len(found) > 60
    for description in found:
        for paragraph in plain(description):
            assert paragraph in READER.text, paragraph


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_has_a_complete_section(name: str) -> None:
    path, method, item, operation = OPERATIONS[name]
    markup = section(name)
    text = Reader(markup).text
    assert text.startswith(f"{operation['summary']} {method.upper()} {path}")
    rows = re.findall(r'<th scope="row" role="rowheader"><code>(.*?)</code>\s*<span class="note (\w+)">', markup)
    parameters = [followed(each) for each in [*item.get("parameters", ()), *operation.get("parameters", ())]]
    found = [row for row in rows if row[1] in ("path", "query", "header", "cookie")]
    assert found == [(each["name"], each["in"]) for each in parameters]
    for each in parameters:
        for rule in each.get("x-selects", ()):
            assert f"{rule['message']} {rule['rule']}" in text
        for keyword in ("minimum", "maximum", "default"):
            if keyword in each["schema"]:
                words = {"minimum": "at least", "maximum": "at most", "default": "default"}[keyword]
                assert f"{words} {each['schema'][keyword]}" in text
    for status, response in operation["responses"].items():
        assert f'id="{name}-response-{status}"' in markup
        for header in followed(response).get("headers", ()):
            assert header in text
        for rule in followed(response).get("x-rules", ()):
            assert f"{rule['message']} {rule['rule']}" in text
        for link in followed(response).get("links", {}).values():
            assert f'<a href="#{link["operationId"]}">' in markup
            assert all(f"{key} from {value}" in text for key, value in link["parameters"].items())
    assert ("Order of checks" in text) and ("List" in text.split()) is ("x-list" in operation)
    assert ("Sample body" in text) is ("requestBody" in operation)


def test_features_of_the_richer_contract_are_described() -> None:
    assert "TaskStatus one of" not in READER.text
    tasks = Reader(section("list_tasks")).text
    assert "tag query optional array of Tag at most 5 items several as tag=a&tag=b" in tasks
    assert "status query optional TaskStatus" in tasks
    assert "Credentials: bearerAuth, or boardKey" in tasks
    events = Reader(section("list_events")).text
    assert "Pages of any size are slices of the same list." in events
    created = Reader(section("create_task")).text
    assert "Body application/json TaskDraft required The task." in created
    assert "Location always sent string" in created
    assert "204 no body The task is deleted." in Reader(section("delete_task")).text
    assert "Task-Version always sent integer at least 1" in Reader(section("get_task")).text
    schemas = Reader(section("schemas")).text
    assert "Note or Checklist Selected by kind: note is Note, checklist is Checklist." in schemas
    assert "kind required string always note Which kind" in schemas
    assert "Tag One word. string matches ^[a-z]{1,20}$" in schemas
    assert "X-Board-Key: <token>" in READER.text and "Authorization: Bearer <token>" in READER.text


def test_every_example_is_shown() -> None:
    samples = [json.loads(unescape(each)) for each in re.findall(r"<code>([\[{].*?)</code></pre>", PAGE, re.DOTALL)]
    expected = []
    for _, _, _, operation in OPERATIONS.values():
        for holder in [operation.get("requestBody", {}), *map(followed, operation["responses"].values())]:
            expected += [each["example"] for each in holder.get("content", {}).values() if "example" in each]
    assert samples == expected and len(expected) == 3


def test_the_table_of_contents_links_every_section() -> None:
    identifiers = [attributes["id"] for _, attributes in READER.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    links = [str(attributes["href"]).removeprefix("#") for _, attributes in READER.tags if "href" in attributes]
    assert set(links) <= set(identifiers)
    nav = PAGE[PAGE.index("<nav") : PAGE.index("</nav>")]
    assert re.findall(r'<li><a href="#(\w+)">[^<]*</a>\s*<ul>', nav) == [*OPERATIONS, "schemas"]
    assert '<a href="#create_task-body">Body</a>' in nav and "get_task-body" not in nav
    levels = [int(tag[1]) for tag, _ in READER.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels)) and levels.count(1) == 1


def curl(name: str) -> str:
    found = re.search(f'<code id="{name}-curl-sample">(.*?)</code>', PAGE, re.DOTALL)
    assert found
    return unescape(found[1]).replace(CONTRACT["servers"][0]["url"], "$URL")


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_curl_samples_work(name: str) -> None:
    command = curl(name).replace("{task_id}", TASK_ID)
    assert PROJECT_ID in command or TASK_ID in command
    with running() as url:
        environment = {**os.environ, "URL": url, "TOKEN": TOKEN}
        done = subprocess.run(
            ["sh", "-c", f"{command} --silent --show-error --write-out '%{{http_code}}'"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    status = min(OPERATIONS[name][3]["responses"])
    assert done.stdout.endswith(status)
    if name == "create_task":
        assert json.loads(done.stdout.removesuffix(status))["details"] == {"kind": "note", "text": "A4, two boxes"}


def test_the_python_samples_compile() -> None:
    found = dict(re.findall(r'<code id="(\w+-(?:client|page)-sample)">(.*?)</code>', PAGE, re.DOTALL))
    assert list(found) == [
        *("list_tasks-client-sample", "list_tasks-page-sample", "create_task-page-sample"),
        *("list_events-client-sample", "list_events-page-sample", "get_task-page-sample", "delete_task-page-sample"),
    ]
    for text in found.values():
        compile(unescape(text), "sample", "exec")
    assert f'iter_tasks(client, "{PROJECT_ID}")' in unescape(found["list_tasks-client-sample"])
    assert "body=TaskDraft.model_validate({" in unescape(found["create_task-page-sample"])
    assert "limit=10" in found["list_events-page-sample"]


@pytest.mark.parametrize(
    ("name", "python"),
    [
        ("runId", "run_id"),
        ("listHTTPRuns", "list_http_runs"),
        ("X-Key", "x_key"),
        ("from", "from_"),
        ("type", "type_"),
        ("id", "id"),
        ("a.b", "a_b"),
    ],
)
def test_names_are_as_in_the_client(name: str, python: str) -> None:
    # The function that names parameters in the client.
    from openapi_python_client.strings import PythonIdentifier

    assert python_name(name) == python == str(PythonIdentifier(name, "field_"))


def test_shared_parts_have_an_anchor_in_each_operation() -> None:
    document = copy.deepcopy(CONTRACT)
    rule = {"id": "explained", "rule": "response.body.detail != ''", "message": "It says why."}
    document["components"]["responses"]["NotFound"]["x-rules"] = [rule]
    found = [attributes["id"] for _, attributes in Reader(render(document)).tags if "id" in attributes]
    assert len(found) == len(set(found)) and f"{next(iter(OPERATIONS))}-rule-explained" in found


def test_combined_credentials_and_deprecations_are_shown() -> None:
    document = copy.deepcopy(CONTRACT)
    operation = document["paths"]["/v1/tasks/{task_id}"]["get"]
    operation |= {"security": [{"bearerAuth": [], "boardKey": []}, {}], "deprecated": True}
    document["components"]["schemas"]["Event"]["properties"]["what"]["deprecated"] = True
    document["servers"].append({"url": "https://board.example", "description": "The other one."})
    text = Reader(render(document)).text
    assert "GET /v1/tasks/{task_id} deprecated" in text
    assert "Credentials: bearerAuth with boardKey, or none" in text
    assert "what required deprecated string" in text
    assert "https://board.example The other one." in text


@pytest.mark.browser
def test_the_page_fits_a_desktop_and_a_phone(browse: Any) -> None:
    assert any(map(shutil.which, BROWSERS))
    seen = "[innerWidth, document.documentElement.scrollWidth]"
    inner = PAGE.replace("</body>", f"<script>parent.document.body.dataset['w' + innerWidth] = {seen}</script></body>")
    frames = "".join(
        f'<iframe width="{width}" style="border: 0" srcdoc="{inner.replace("&", "&amp;").replace(chr(34), "&quot;")}">'
        "</iframe>"
        for width in (1280, 390)
    )
    dom = browse(f"<!doctype html><body>{frames}</body>", "--dump-dom")
    found = re.findall(r'data-w\d+="(\d+),(\d+)"', dom)
    assert sorted((int(window), int(page)) for window, page in found) == [(390, 390), (1280, 1280)]
