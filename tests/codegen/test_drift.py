"""`make drift`: equivalent documents, different documents, and hostile ones."""

from __future__ import annotations

import contextlib
import copy
import gzip
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from codegen import ROOT, Problem
from codegen import drift as drift_module
from codegen.__main__ import main
from codegen.compare import RULES
from codegen.contract import Contract
from codegen.drift import differences, fetch, summary_line
from tests.codegen import fastapi_documents
from tests.codegen.trees import CONTRACT_PATH, VERSION
from tests.contract_run.fastapi_server import Runs, create_app, serving
from tests.reference_server.uvicorn_server import running

pytestmark = pytest.mark.sampled(8)

CONTRACT = Contract(CONTRACT_PATH).document
Document = dict[str, Any]


def drift(base_url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "codegen", "drift"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "overrides"), "BASE_URL": base_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def told(document: Any) -> list[tuple[str, str, str]]:
    return [(RULES[each.kind].promise, each.place, each.what) for each in differences(CONTRACT, document)]


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


# --- what cannot be read ----------------------------------------------------------------------------------------------


NO_DOCUMENTS: dict[str, tuple[Response, str]] = {
    "a page": (Response("<html>", media_type="text/html"), "is not JSON: Expecting value"),
    "no number": (Response(b'{"openapi": NaN}'), "is not JSON: NaN is not a number in JSON"),
    "deep": (Response(b"[" * 200_000), "is not JSON"),
    "no text": (Response(b"\xff\xfe\x00"), "is not JSON"),
    "a long number": (Response(b"9" * 5000), "is not JSON"),
    "a list": (JSONResponse([]), "the document is not an OpenAPI 3 document"),
    "an older one": (JSONResponse({"swagger": "2.0", "paths": {}}), "the document is not an OpenAPI 3 document"),
    "nothing": (Response(status_code=404), "must answer 200 (got 404)"),
    "a refusal": (Response(status_code=401), "must answer 200 (got 401)"),
    "elsewhere": (
        RedirectResponse("http://192.0.2.1/"),
        "redirects to http://192.0.2.1/ (307); redirects are not followed",
    ),
    "large": (Response(b" " * 10_000_001), "must have at most 10 MB"),
    "infinity": (Response(b'{"openapi": 1e400}'), "is not JSON: the number 1e400 is too large"),
    "deep, though JSON": (Response(b'{"openapi": "3.1.0", "paths": ' + b"[" * 200 + b"]" * 200 + b"}"), "3 document"),
    "deep in its paths": (
        Response(b'{"openapi": "3.1.0", "paths": {"a": ' + b"[" * 200 + b"]" * 200 + b"}}"),
        "too large to compare: it is nested more than 100 levels deep",
    ),
    "wide": (
        JSONResponse({"openapi": "3.1.0", "paths": {}, "x": [0] * 200_001}),
        "too large to compare: it has more than 200,000 values",
    ),
    "a long name": (
        JSONResponse({"openapi": "3.1.0", "paths": {"x" * 5000: {}}}),
        "too large to compare: names in it are too long",
    ),
}


@pytest.fixture(scope="module")
def no_documents() -> Iterator[str]:
    """A server with each of these responses, at a path of its own."""

    def respond(request: Request) -> Response:
        return NO_DOCUMENTS[request.path_params["name"]][0]

    with serving(Starlette(routes=[Route("/{name}/openapi.json", respond)])) as url:
        yield url


@pytest.mark.parametrize("name", NO_DOCUMENTS)
def test_invalid_document_is_an_error(
    name: str, no_documents: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url, problem = f"{no_documents}/{quote(name)}", NO_DOCUMENTS[name][1]
    monkeypatch.setenv("BASE_URL", url)
    assert main(["drift"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("problem: ") and problem in error and "\nfix: " in error
    # The contract run reports nothing without a document.
    absent = name in ("nothing", "a refusal", "elsewhere")
    said = summary_line(url)
    assert said == "" if absent else said.startswith("the server's own /openapi.json cannot be compared: ")


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
UNFOLDING = HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(100_000_000))
# By case: first bytes, bytes that are repeated without end, pause between them in seconds, and a part of the message.
ENDLESS: dict[str, tuple[bytes, bytes, float, str]] = {
    "dripping bodies": (HEAD + b"\r\n", b" ", 0.02, "timed out after"),
    "dripping headers": (HEAD, b"X-A: b\r\n", 0.02, "timed out after"),
    "a dripping status line": (b"HTTP/1.1 200 ", b"O", 0.02, "timed out after"),
    "dripping extensions of chunks": (CHUNKED + b"1;", b"a", 0.02, "timed out after"),
    "dripping trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-A: b\r\n", 0.02, "timed out after"),
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, 0, "timed out after"),
    "nothing at all": (b"", b"", 0.02, "timed out after"),
    "an endless header": (HEAD + b"X-A: ", b"a" * 65_536, 0, "cannot be read: "),
    "endless headers": (HEAD, b"X-A: b\r\n" * 10_000, 0, "cannot be read: "),
    "an endless body": (HEAD + b"\r\n", b" " * 65_536, 0, "must have at most 10 MB"),
    "endless chunks": (CHUNKED, b"8000\r\n" + b" " * 0x8000 + b"\r\n", 0, "must have at most 10 MB"),
    "an endless reason": (b"HTTP/1.1 200 ", b"a" * 65_536, 0, "cannot be read: "),
    "a body that unfolds": (UNFOLDING, b"", 0.02, "is compressed"),
    "a redirect with escapes": (
        b"HTTP/1.1 307 \r\nLocation: http://127.0.0.1/" + b"\xc2\x9b2J" * 9000 + b"\r\n\r\n",
        b"",
        0.02,
        "redirects to http://127.0.0.1/",
    ),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_endless_response_ends_by_limits(
    case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, then, pause, problem = ENDLESS[case]
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            connection.sendall(first)
            # Each piece comes long before a timeout per read.
            while not over.wait(pause):
                connection.sendall(then)

    monkeypatch.setattr(drift_module, "MAX_SECONDS", 0.5 if "after" in problem else 60)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
        serving = pool.submit(serve, listener)
        monkeypatch.setenv("BASE_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        try:
            assert main(["drift"]) == 2
        finally:
            over.set()
        assert serving.exception(timeout=30) is None
    error = capsys.readouterr().err
    assert problem in error and error.startswith("problem: ") and "\nfix: " in error and error.count("\n") == 2
    assert all(line.isprintable() for line in error.splitlines()) and len(error) < 1000


@pytest.mark.parametrize(
    ("base_url", "problem"),
    [
        ("", "BASE_URL must be the address of a deployment"),
        ("ks.example.com", "must be an http or https address"),
        ("http://user:secret@127.0.0.1", "BASE_URL must not have credentials"),
        ("http://[", "must be an http or https address"),
        ("http://127.0.0.1:1", "cannot be read: "),
    ],
)
def test_invalid_address_is_an_error(
    base_url: str, problem: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BASE_URL", base_url)
    assert main(["drift"]) == 2
    error = capsys.readouterr().err
    assert problem in error and "secret" not in error


# --- hostile documents ------------------------------------------------------------------------------------------------

KEYWORDS = """$ref allOf anyOf oneOf type enum const properties required items nullable additionalProperties minimum
    exclusiveMinimum maximum schema name in 200 get""".split()  # noqa: SIM905
NAMES = st.text(max_size=3) | st.sampled_from(KEYWORDS)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
TEXTS = st.sampled_from(["#", "#/", "#/paths", "http://192.0.2.1/x", "object", "string", "array"])
JSON = st.recursive(
    LEAVES | TEXTS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=4),
    max_leaves=12,
)


def places(value: Any, pointer: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, below in entries for place in [(*pointer, key), *places(below, (*pointer, key))]]


SAME = fastapi_documents.same().openapi()
PLACES = places(SAME)


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_any_edit_of_a_document_is_compared_or_refused(edits: list[tuple[tuple[str | int, ...], Any]]) -> None:
    document = copy.deepcopy(SAME)
    for (*way, last), value in edits:
        holder: Any = document
        for key in way:
            try:
                holder = holder[key]
            except (LookupError, TypeError):
                # An earlier edit removed it.
                break
        if isinstance(holder, dict):
            holder[last] = value
    judged(document)


@settings(max_examples=40, derandomize=True, database=None, deadline=None)
@given(JSON)
def test_any_json_is_compared_or_refused(document: Any) -> None:
    judged(document)
    judged({"openapi": "3.1.0", "paths": document})
    judged({"openapi": "3.1.0", "paths": {next(iter(CONTRACT["paths"])): {"get": document}}})


def judged(document: Any) -> None:
    try:
        found = differences(CONTRACT, document)
    except Problem:
        return
    for each in found:
        line = drift_module._printable(f"{each.place}: {each.what} {each.old} {each.new}")
        assert line.isascii() and line.isprintable()


def with_body(schema: Any, **components: Any) -> Document:
    document: Document = copy.deepcopy(SAME)
    (item,) = document["paths"].values()
    item["get"]["responses"]["200"]["content"]["application/json"]["schema"] = schema
    document["components"]["schemas"] |= components
    return document


def with_parameters(parameters: list[Any]) -> Document:
    document: Document = copy.deepcopy(SAME)
    (item,) = document["paths"].values()
    item["get"]["parameters"] += parameters
    return document


def nested(levels: int) -> Document:
    schema: Document = {"type": "string"}
    for _ in range(levels):
        schema = {"anyOf": [schema, {"type": "object", "properties": {"items": schema}}]}
    return schema


A = {"$ref": "#/components/schemas/A"}
LIST_OF_A = {"type": "array", "items": A}
HOSTILE = {
    "alternatives that double": with_body(
        A,
        A={"anyOf": [{"$ref": "#/components/schemas/0"}] * 2},
        **{str(n): {"anyOf": [{"$ref": f"#/components/schemas/{n + 1}"}] * 2} for n in range(40)},
    ),
    "a product": with_body({"allOf": [{"anyOf": [{"minLength": n * m} for n in range(9)]} for m in range(9)]}),
    "a deep one": with_body(nested(20)),
    "a remote one": with_body({"$ref": "http://192.0.2.1/schema.json"}),
    "a broad one": with_body({"properties": {str(n): {"$ref": "#/paths"} for n in range(20_000)}}),
    "many parameters": with_parameters([{"name": str(n), "in": "query"} for n in range(20_000)]),
    "many parameters that are none": with_parameters(list(range(20_000))),
    "many parameters of the path": with_parameters([{"name": str(n), "in": "path"} for n in range(20_000)]),
    "many types": with_body({"type": ["object", "array", "string"] * 50_000}),
    "many values": with_body({"enum": list(range(190_000))}),
    "long names": with_body({"properties": {"x" * 500: {"properties": {f"{n}" * 100: {} for n in range(60_000)}}}}),
    "a chain": with_body(
        A,
        A=A | {"$ref": "#/components/schemas/0"},
        **{str(n): {"$ref": f"#/components/schemas/{n + 1}"} for n in range(5000)},
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_schema_is_a_difference_or_refused(name: str) -> None:
    try:
        assert differences(CONTRACT, HOSTILE[name])
    except Problem as problem:
        assert "too large to compare" in problem.what


@pytest.mark.parametrize(
    ("body", "component", "difference"),
    [
        (False, {}, ("otherwise", "200 body", "nothing instead of object")),
        (A, A, ("otherwise", "200 body", '$ref "#/components/schemas/A" does not exist in this document')),
        (A, {"allOf": [A] * 9}, ("less", "200 body", "anything instead of object")),
        (A, {"anyOf": [A] * 9}, ("otherwise", "200 body", "nothing instead of object")),
        (A, {"anyOf": [A, {"type": "object"}]}, ("less", "200 body", "additional fields allowed")),
        (
            A,
            {"type": "object", "properties": {"items": LIST_OF_A}},
            ("more", "200 body.items[].items", "field added, optional"),
        ),
    ],
)
def test_recursive_schema_is_compared(body: Any, component: Any, difference: Any) -> None:
    assert difference in told(with_body(body, A=component))


def test_output_is_escaped() -> None:
    line = drift_module._printable("a\x1b[2Jb\ud800\u202ec\n" + "x" * 1000)
    assert line.startswith("a\\x1b[2Jb\\ud800\\u202ec\\n") and line.endswith("xxx...")
