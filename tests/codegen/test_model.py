"""The model of documents: references, operations, and promises."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import Problem
from codegen.openapi import Document, operations, parse, read
from codegen.openapi.operations import followed_entries
from codegen.openapi.promises import PROSE, promises
from tests.codegen.trees import CONTRACT_PATH

CONTRACT = read(CONTRACT_PATH)
# Several operations, with features that the contract lacks.
RICH = parse(
    """\
openapi: 3.1.0
info: {title: Rich, version: 1.0.0}
x-judged: [{id: first}, {id: second}]
security: [{key: []}]
paths:
  /things:
    parameters:
    - {name: tenant, in: header, schema: {type: string}}
    get:
      operationId: list_things
      parameters:
      - $ref: '#/components/parameters/Cursor'
      responses:
        '200':
          description: A page
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Page'}
          links:
            Next: {$ref: '#/components/links/Next'}
    post:
      parameters:
      - {name: Tenant, in: header, required: true, schema: {type: string, maxLength: 3}}
      requestBody: {$ref: '#/components/requestBodies/Thing'}
      security: [{}]
      responses:
        '201': {$ref: '#/components/responses/Made'}
  /things/{thing_id}:
    $ref: '#/components/pathItems/Thing'
components:
  pathItems:
    Thing:
      parameters:
      - {name: thing_id, in: path, required: true, schema: {type: string}}
      get:
        responses:
          200: {$ref: '#/components/responses/Made'}
      delete:
        responses:
          204: {description: gone}
  parameters:
    Cursor: {name: cursor, in: query, schema: {type: string, minLength: 1}}
  requestBodies:
    Thing:
      required: true
      content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}
  responses:
    Made:
      description: One
      headers: {Location: {$ref: '#/components/headers/Location'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}
  headers:
    Location: {required: true, schema: {type: string}}
  links:
    Next: {operationId: list_things, parameters: {cursor: $response.body#/next}}
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
  schemas:
    Page:
      type: object
      required: [items]
      properties:
        items: {type: array, items: {$ref: '#/components/schemas/Thing'}}
    Thing:
      type: object
      description: A thing
      x-rules: [{id: ends, rule: 'true', message: It ends}]
      additionalProperties: false
      required: [id, parent]
      properties:
        id: {type: string, format: uuid}
        parent: {anyOf: [{$ref: '#/components/schemas/Thing'}, {type: 'null'}]}
""",
    "rich.yaml",
)


def test_several_operations() -> None:
    found = operations(RICH)
    assert list(found) == [("/things", "get"), ("/things", "post"), ("/things/{}", "get"), ("/things/{}", "delete")]
    names = [operation.name for operation in found.values()]
    assert names == ["list_things", "POST /things", "GET /things/{thing_id}", "DELETE /things/{thing_id}"]
    # Parameters of an operation override those of its path; names of headers ignore case.
    listed, made, one, deleted = found.values()
    assert [node.at("name").value for node in listed.parameters.values()] == ["tenant", "cursor"]
    assert made.parameters["header", "tenant"].at("required").value is True
    assert list(one.parameters) == list(deleted.parameters) == [("path", "0")]
    assert made.request_body is not None and made.request_body.line == 44 and listed.request_body is None
    assert list(listed.credentials) == [frozenset({"header x-key"})] and list(made.credentials) == [frozenset()]
    assert {status: node.line for status, node in one.responses.items()} == {"200": 48}
    assert list(followed_entries(one.responses["200"], "headers")) == ["Location"]
    assert followed_entries(listed.responses["200"], "links")["Next"].at("operationId").value == "list_things"


def test_nodes_have_pointer_and_line() -> None:
    (operation,) = operations(CONTRACT).values()
    limit = operation.parameters["query", "limit"]
    lines = (CONTRACT_PATH).read_text(encoding="utf-8").splitlines()
    assert "maximum: 100" in lines[(limit.at("schema").at("maximum").line or 0) - 1]
    problem = limit.problem("it is too large", "make it smaller")
    assert problem.what.startswith(f"contract.yaml:{limit.line}: it is too large (at paths//v1/workflow-definitions/")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: {$ref: '#/a'}", "f.yaml:1: `#/a` refers to itself"),
        ("a: {$ref: '#/b'}\nb: {$ref: '#/c'}\nc: {$ref: '#/b'}", "f.yaml:3: `#/b` refers to itself"),
        ("a: {$ref: '#/b/0'}", "f.yaml:1: `#/b/0` does not exist"),
        ("a: {$ref: '#/b/7'}\nb: [1]", "f.yaml:1: `#/b/7` does not exist"),
        ("a: {$ref: 'other.yaml#/b'}", "f.yaml:1: `other.yaml#/b` points outside the file"),
        ("a: {$ref: [1]}", "f.yaml:1: a `$ref` must be text"),
        (
            "a: {$ref: '#/b0'}\n" + "".join(f"b{n}: {{$ref: '#/b{n + 1}'}}\n" for n in range(5000)),
            "f.yaml:51: `#/b50` follows 50 other references",
        ),
    ],
)
def test_invalid_reference_is_one_problem_with_its_place(text: str, what: str) -> None:
    node = parse(text, "f.yaml").root.at("a")
    assert node.resolved() is None or isinstance(node.value["$ref"], list)
    with pytest.raises(Problem) as problem:
        node.followed()
    assert problem.value.what.startswith(what) and problem.value.fix


@settings(max_examples=50, derandomize=True, database=None, deadline=None)
@given(st.dictionaries(st.text(), st.integers(), min_size=1))
def test_pointer_leads_to_its_node(value: dict[str, int]) -> None:
    document = Document({"a": [value]})
    for key, inner in value.items():
        node = document.root.at("a").at(0).at(key)
        # A reference is a URI fragment, which may be percent-encoded.
        found = document.find(node.pointer.replace("%", "%25"))
        assert found is not None and found.value == inner and found.pointer == node.pointer


# --- promises ---------------------------------------------------------------------------------------------------------


def test_each_promise_is_listed_once_with_its_line() -> None:
    for document in (CONTRACT, RICH):
        found = list(promises(document))
        pointers = [promise.node.pointer for promise in found]
        assert len(pointers) == len(set(pointers))
        assert all(promise.node.line for promise in found)
    assert Counter(promise.kind for promise in promises(RICH)) == {
        "operation": 4,
        "parameter": 4,
        "body": 1,
        "response": 3,
        "header": 1,
        "link": 1,
        "security": 3,
        "keyword": 23,
        "property": 3,
        "required": 3,
        "extension": 3,
    }
    names = {promise.name for promise in promises(RICH) if promise.kind == "extension"}
    assert names == {"x-judged first", "x-judged second", "x-rules ends"}


@pytest.mark.parametrize("document", [CONTRACT, RICH], ids=["contract", "rich"])
def test_promises_cover_all_keywords(document: Document) -> None:
    """Compares with another walk: each keyword is a promise, or contains one."""
    pointers = [promise.node.pointer for promise in promises(document)]

    def check(node: object, pointer: str, inside: bool) -> None:
        if isinstance(node, dict):
            for key, below in node.items():
                place = f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
                if (key in PROSE or key.startswith("x-")) and not pointer.endswith("/properties"):
                    continue
                if inside:
                    assert any(each == place or each.startswith(f"{place}/") for each in pointers), place
                check(below, place, inside or key in ("schema", "schemas"))
        elif isinstance(node, list):
            for index, below in enumerate(node):
                check(below, f"{pointer}/{index}", inside)

    check(document.value, "#", False)


def test_circular_references_among_promises_are_one_problem() -> None:
    text = json.dumps({**CONTRACT.value, "paths": {"/a": {"$ref": "#/paths/~1a"}}})
    with pytest.raises(Problem, match="refers to itself"):
        list(promises(parse(text, "f.json")))
