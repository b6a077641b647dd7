"""`make drift` of documents that cannot be read, and of hostile ones."""

from __future__ import annotations

import contextlib
import copy
import gzip
import socket
import threading
from collections.abc import Iterator
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

from codegen import Problem
from codegen import drift as drift_module
from codegen.__main__ import main
from codegen.drift import differences, summary_line
from tests.codegen import fastapi_documents
from tests.codegen.comparing import CONTRACT, Document, told
from tests.contract_run.fastapi_server import serving

pytestmark = pytest.mark.sampled(8)


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
