"""`make drift`: equivalent documents and different ones."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import ROOT
from codegen.drift import differences, fetch, summary_line
from tests.codegen import fastapi_documents
from tests.codegen.comparing import CONTRACT, Document, told
from tests.codegen.trees import VERSION
from tests.contract_run.fastapi_server import Runs, create_app, serving
from tests.reference_server.uvicorn_server import running

pytestmark = pytest.mark.sampled(8)


def drift(base_url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "codegen", "drift"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "overrides"), "BASE_URL": base_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


# --- the same ---------------------------------------------------------------------------------------------------------


def test_document_of_the_reference_server_has_no_differences() -> None:
    with running() as url:
        done = drift(url)
        line = summary_line(url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{url}/openapi.json compared with openapi.yaml {VERSION}: 0 differences.",
        "",
        "The deployment's document makes the same promises as the contract.",
    ]
    assert line == "none: the server's own /openapi.json makes the same promises"


def test_equivalent_fastapi_document_has_no_differences() -> None:
    with serving(fastapi_documents.same()) as url:
        assert differences(CONTRACT, fetch(url)) == []


def rewritten(value: Any, rewrite: Callable[[Document], Document]) -> Any:
    """Return a value with each mapping rewritten, innermost first."""
    if isinstance(value, dict):
        return rewrite({key: rewritten(below, rewrite) for key, below in value.items()})
    return [rewritten(below, rewrite) for below in value] if isinstance(value, list) else value


def is_null_type(schema: Any) -> bool:
    return bool(schema == {"type": "null"})


def nullable(schema: Document) -> Document:
    """Null as in OpenAPI 3.0."""
    if isinstance(schema.get("type"), list) and "null" in schema["type"]:
        return schema | {"type": next(name for name in schema["type"] if name != "null"), "nullable": True}
    if any(is_null_type(each) for each in schema.get("anyOf", ())):
        others = [each for each in schema["anyOf"] if not is_null_type(each)]
        return {key: value for key, value in schema.items() if key != "anyOf"} | {"allOf": others, "nullable": True}
    return schema


def any_of(schema: Document) -> Document:
    """Lists of types as in FastAPI."""
    if not isinstance(schema.get("type"), list):
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("type", "description")}
    return {"title": "A title", "anyOf": [{**rest, "type": name} for name in schema["type"]]}


def constants(schema: Document) -> Document:
    """Enums as alternatives of one value each."""
    if not isinstance(schema.get("enum"), list):
        return schema
    rest = {key: value for key, value in schema.items() if key != "enum"}
    return {**rest, "oneOf": [{"const": value, "title": value} for value in schema["enum"]]}


def wrapped(schema: Document) -> Document:
    """A `$ref` in an `allOf`, which allows keywords beside it."""
    return {"description": "...", "allOf": [schema]} if schema.keys() == {"$ref"} else schema


def exclusive(schema: Document) -> Document:
    """Exclusive bounds of integers, as in OpenAPI 3.0 and 3.1."""
    if schema.get("type") != "integer" or "minimum" not in schema:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("minimum", "maximum")}
    upper = {"maximum": 101, "exclusiveMaximum": True} if "maximum" in schema else {}
    return {**rest, "exclusiveMinimum": schema["minimum"] - 1.0, **upper}


def without_words(schema: Document) -> Document:
    words = ("title", "description", "example", "summary", "tags", "operationId")
    return {key: value for key, value in schema.items() if key not in words or isinstance(value, dict)}


def inlined(mapping: Document) -> Document:
    reference = mapping.get("$ref")
    if not isinstance(reference, str):
        return mapping
    target: Any = CONTRACT
    for part in reference.removeprefix("#/").split("/"):
        target = target[part]
    return rewritten(target, inlined)  # type: ignore[no-any-return]


REWRITES = [nullable, any_of, constants, wrapped, exclusive, without_words, inlined]


@pytest.mark.parametrize("rewrite", REWRITES)
def test_equivalent_schemas_are_no_difference(rewrite: Callable[[Document], Document]) -> None:
    document = rewritten(CONTRACT, rewrite)
    assert document != CONTRACT
    assert told(document) == []
    assert [each.kind for each in differences(document, CONTRACT)] == []


@settings(max_examples=10, derandomize=True, database=None, deadline=None)
@given(st.lists(st.sampled_from(REWRITES), min_size=2, max_size=5, unique=True))
def test_several_rewrites_at_once_are_no_difference(rewrites: list[Callable[[Document], Document]]) -> None:
    document = CONTRACT
    for rewrite in rewrites:
        document = rewritten(document, rewrite)
    assert told(document) == []


def test_path_prefix_is_ignored() -> None:
    document = copy.deepcopy(CONTRACT)
    ((path, item),) = document["paths"].items()
    item["get"]["parameters"][0]["name"] = "id"
    document["paths"] = {"/{tenant}/api" + path.replace("definition_id", "id") + "/": item, "/v1/other": {}}
    document["servers"] = [{"url": "/somewhere"}]
    assert told(document) == []


def test_credentials_may_be_parameters_or_security_schemes() -> None:
    parameters, schemes, neither = (copy.deepcopy(CONTRACT) for _ in range(3))
    for document in (parameters, neither):
        del document["security"], document["components"]["securitySchemes"]
    for document in (schemes, neither):
        ((_, item),) = document["paths"].items()
        item["get"]["parameters"] = item["get"]["parameters"][:3]
    assert told(parameters) == told(schemes) == []
    assert told(neither) == [
        ("less", "credentials", "header authorization removed"),
        ("less", "credentials", "cookie ks_uat removed"),
        ("more", "credentials", "no credential added"),
    ]


def test_header_names_ignore_case_and_parameters_are_never_null() -> None:
    document = copy.deepcopy(CONTRACT)
    ((_, item),) = document["paths"].items()
    *_, header, cookie = item["get"]["parameters"]
    header["name"] = "Authorization"
    header["schema"] = cookie["schema"] = {"type": "string"}
    answer = item["get"]["responses"]["429"]
    answer["headers"] = {"retry-after": answer["headers"]["Retry-After"]}
    assert told(document) == []


def test_range_of_statuses_covers_each_status() -> None:
    document = copy.deepcopy(CONTRACT)
    ((_, item),) = document["paths"].items()
    answers = item["get"]["responses"]
    answers["5XX"], answers["default"] = answers.pop("503"), answers.pop("404")
    assert told(document) == [("more", "5XX", "status added"), ("more", "default", "status added")]
    answers["5XX"] = answers["422"]
    assert ("otherwise", "503 body.detail", "array instead of string") in told(document)


# --- not the same -----------------------------------------------------------------------------------------------------


def test_each_difference_is_reported() -> None:
    app = fastapi_documents.different()
    assert sorted(told(app.openapi())) == [
        ("less", "200 body.items[].error", "field removed"),
        ("less", "200 body.items[].started_at", "null allowed"),
        ("less", "200 body.items[].status", "CANCELLED added"),
        ("less", "404", "status removed"),
        ("less", "credentials", "cookie ks_uat removed"),
        ("less", "limit (query)", "maximum 50 instead of maximum 100"),
        ("more", "200 body.items[].attempts", "field added, required"),
        ("more", "credentials", "cookie session added"),
        ("more", "status (query)", "parameter added, optional"),
        ("otherwise", "200 body.items[].id", "integer instead of string"),
        ("otherwise", "offset (query)", "default 10 instead of 0"),
    ]
    with serving(app) as url:
        done = drift(url)
        line = summary_line(url)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"{url}/openapi.json compared with openapi.yaml {VERSION}: 11 differences.")
    assert "\n  limit (query): maximum 50 instead of maximum 100\n      contract  #/paths/" in done.stdout
    assert line == f"the server's own /openapi.json differs in 11 places: make drift BASE_URL={url}"


KEYS = ("x-rules", "x-list", "x-judged", "x-selects")


def without(keys: tuple[str, ...]) -> Document:
    document: Document = rewritten(CONTRACT, lambda each: {key: each[key] for key in each if key not in keys})
    return document


def test_document_without_extensions_is_not_compared_by_them() -> None:
    assert told(without(KEYS)) == []


def test_document_with_some_extensions_is_compared_by_all() -> None:
    assert told(without(("x-list",))) == [("less", "x-list", "removed")]
    found = told(without(("x-rules", "x-list")))
    assert ("less", "x-list", "removed") in found
    assert {place for _, place, _ in found} > {
        "200 rule runs_of_the_definition",
        "200 body.items[] rule error_by_status",
    }


def test_different_rules_are_reported() -> None:
    document = copy.deepcopy(CONTRACT)
    ((_, item),) = document["paths"].items()
    item["get"]["x-judged"].reverse()
    rules = document["components"]["schemas"]["WorkflowRunResponse"]["x-rules"]
    rules.append({"id": "further", "rule": "self.id != ''", "message": "Something more."})
    rules[1]["rule"] = "self.error == null"
    assert sorted(told(document)) == [
        ("more", "200 body.items[] rule further", "rule added: Something more."),
        (
            "otherwise",
            "200 body.items[] rule error_by_status",
            "self.error == null instead of (self.error != null) == (self.status == 'FAILED')",
        ),
        (
            "otherwise",
            "x-judged",
            "access (403), existence (404), parameters (422), credentials (401) instead of credentials (401), "
            "parameters (422), existence (404), access (403)",
        ),
    ]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "value",
    [
        True,
        "text",
        [],
        [None],
        {"items": 1},
        [{"id": "a", "rule": "(" * 4_000, "message": "\x1b[2J"}],
        [{"id": "a", "rule": "[1].all(x, " * 400, "message": ""}],
        [{"stage": "credentials", "status": 401, "parameter": []}],
        {"style": "offset", "items": "items", "offset": {}},
    ],
    ids=range(9),
)
def test_invalid_extensions_raise_no_exception(key: str, value: Any) -> None:
    document = copy.deepcopy(CONTRACT)
    ((_, item),) = document["paths"].items()
    run = document["components"]["schemas"]["WorkflowRunResponse"]
    for holder in (item["get"], item["get"]["responses"]["200"], item["get"]["parameters"][1], run):
        holder[key] = value
    assert isinstance(told(document), list)


def test_pointers_lead_to_the_difference() -> None:
    document = fastapi_documents.different().openapi()
    for each in differences(CONTRACT, document):
        for root, pointer in ((CONTRACT, each.old), (document, each.new)):
            value: Any = root
            *parts, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
            for part in parts:
                value = value[int(part)] if isinstance(value, list) else value[part]
            # The value, or the parent that lacks it.
            assert isinstance(value, dict | list), (pointer, last)


def test_typical_fastapi_document_promises_less() -> None:
    """Its models are open, have defaults, and document no status but 200 and 422."""
    kinds = {
        "additional fields allowed",
        "not required",
        "status removed",
        "no minimum instead of minimum 0",
    }
    found = told(create_app(Runs(1)).openapi())
    assert {promise for promise, _, _ in found} == {"less"}
    assert {what for _, _, what in found if not what.startswith("any string instead of")} == kinds
    assert [place for _, place, what in found if what == "status removed"] == [
        "401",
        "403",
        "404",
        "429",
        "503",
    ]


def test_missing_operation_is_reported() -> None:
    path = next(iter(CONTRACT["paths"]))
    missing = [("less", f"GET {path}", "operation missing")]
    assert told({"openapi": "3.1.0", "paths": {}}) == missing
    assert told({"openapi": "3.0.3", "paths": {path: {"post": {}}}}) == missing
