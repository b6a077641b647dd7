"""Each invalid input of the driver is one error with file, line and fix, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codegen.__main__ import main
from tests.codegen.trees import VERSION, contents, copy_tree, replace

CONTRACT = "openapi.yaml"
TEMPLATES = "overrides/templates"
SCHEMAS = "  schemas:\n"
REF_A, REF_B = "$ref: '#/components/schemas/A'", "$ref: '#/components/schemas/B'"
REFERENCE = "$ref: '#/components/schemas/WorkflowRunStatus'"

# By case: file, old text, new text, text of the line in the message (None for any), and a part of the message.
REFUSED = {
    "no YAML": (CONTRACT, "tags: [Workflow Definitions]", "tags: [Workflow", "parameters:", "not YAML"),
    "a key twice": (CONTRACT, "tags:\n", "servers: []\ntags:\n", "servers: []", 'duplicate key "servers"'),
    "no OpenAPI": (CONTRACT, "openapi: 3.1.0", "opnapi: 3.1.0", None, "no `openapi` field"),
    "OpenAPI 3.0": (CONTRACT, "openapi: 3.1.0", "openapi: 3.0.3", "openapi: 3.0.3", "3.0.3 is not supported"),
    "no version": (CONTRACT, f"version: {VERSION}", "version: one", "version: one", "must be a semantic version"),
    "no paths": (CONTRACT, "paths:", "pths:", None, "no `paths`"),
    "no responses": (CONTRACT, "responses:", "respones:", "get:", "Field required"),
    "parameter in nowhere": (CONTRACT, "in: query", "in: querystring", "in: querystring", "should be 'query'"),
    "dangling $ref": (CONTRACT, REFERENCE, REFERENCE.replace("Status", "State"), "RunState'", "does not exist"),
    "$ref that leads back": (
        CONTRACT,
        SCHEMAS,
        f"{SCHEMAS}    A: {{{REF_B}}}\n    B: {{{REF_A}}}\n",
        "B:",
        "refers to itself",
    ),
    "$ref to itself": (CONTRACT, SCHEMAS, f"{SCHEMAS}    A: {{{REF_A}}}\n", "A:", "refers to itself"),
    "$ref of a parameter to itself": (
        CONTRACT,
        "      parameters:\n",
        "      parameters:\n"
        "        - $ref: '#/paths/~1v1~1workflow-definitions~1{definition_id}~1runs/get/parameters/0'\n",
        "get/parameters/0'",
        "refers to itself",
    ),
    "$ref of a response to itself": (
        CONTRACT,
        "components:\n",
        "components:\n  responses:\n    A: {$ref: '#/components/responses/A'}\n",
        "    A:",
        "refers to itself",
    ),
    "$ref to text": (
        CONTRACT,
        SCHEMAS,
        f"{SCHEMAS}    A: {{$ref: '#/info/title'}}\n",
        "A:",
        "is not a schema of components/schemas",
    ),
    "an alternative of itself": (
        CONTRACT,
        SCHEMAS,
        f"{SCHEMAS}    A: {{anyOf: [{{{REF_B}}}, {{type: string}}]}}\n    B: {{{REF_A}}}\n",
        "A: {anyOf",
        "alternative of itself",
    ),
    "nested without end": (
        CONTRACT,
        SCHEMAS,
        f"{SCHEMAS}    A: {'[' * 200_000}\n",
        "    A:",
        "more than 100 levels deep",
    ),
    "nested without end by aliases": (CONTRACT, "tags:\n", "x-a: &a [*a]\ntags:\n", "x-a:", "part of itself"),
    "no security": (CONTRACT, "\nsecurity:\n", "\nsecurity: text\nx-s:\n", "security: text", "should be a valid list"),
    "remote $ref": (CONTRACT, REFERENCE, "$ref: 'other.yaml#/Status'", "other.yaml", "outside the file"),
    "required without property": (
        CONTRACT,
        "items, total, l",
        "items, totl, l",
        "items, totl, l",
        "`totl` is required",
    ),
    "required no list": (CONTRACT, "[items, total, limit, offset]", "true", None, "not a valid schema"),
    "parameter without schema": (
        CONTRACT,
        "page\n          schema:",
        "page\n          x-s:",
        "name: limit",
        "`schema`",
    ),
    "no such type": (CONTRACT, "type: integer", "type: intger", "intger", "not a valid schema"),
    "bound of the wrong type": (CONTRACT, "maximum: 100", "maximum: '100'", "maximum: '100'", "not a valid schema"),
    "misspelt keyword": (CONTRACT, "s: false\n      req", "z: false\n      req", "Propertiez:", "not supported"),
    "3.0 nullable": (CONTRACT, "maximum: 100", "nullable: true", "nullable: true", "`nullable` is not supported"),
    "unsupported keyword": (CONTRACT, "maximum: 100", "not: {const: 7}", "not: {const: 7}", "`not` is not supported"),
    "callbacks": (
        CONTRACT,
        "      x-judged:\n",
        "      callbacks: {}\n      x-judged:\n",
        "callbacks:",
        "would be ignored",
    ),
    "servers of a path": (CONTRACT, "    get:\n", "    servers: []\n    get:\n", "    servers: []", "would be ignored"),
    "webhooks": (CONTRACT, "tags:\n", "webhooks: {}\ntags:\n", "webhooks:", "would be ignored"),
    "a link to another server": (
        CONTRACT,
        "        '401':\n",
        "        '401':\n          links: {again: {operationId: list_workflow_runs, server: {url: /}}}\n",
        "links:",
        "`server` of a link is not supported",
    ),
    "another style": (
        CONTRACT,
        "          in: query\n",
        "          in: query\n          style: deepObject\n",
        "style:",
        "`style: deepObject`",
    ),
    "empty values": (
        CONTRACT,
        "          in: query\n",
        "          in: query\n          allowEmptyValue: true\n",
        "allowEmptyValue:",
        "would be ignored",
    ),
    "no JSON": (CONTRACT, "application/json", "application/xml", "get:", "Unsupported content_type application/xml"),
    "no success": (
        CONTRACT,
        "'200':",
        "'400':",
        "              schema:\n",
        "400 must have a required text",
    ),
    "default response": (CONTRACT, "'503':", "default:", "default:\n", "`default` response is not supported"),
    "range of statuses": (CONTRACT, "'503':", "'5XX':", "'5XX':", "range of statuses"),
    "request body": (
        CONTRACT,
        "      responses:\n",
        "      requestBody: {content: {application/json: {schema: {type: object}}}}\n      responses:\n",
        "requestBody:",
        "a request body must be an object with properties",
    ),
    "object parameter": (
        CONTRACT,
        "type: integer\n            minimum: 1\n            maximum: 100\n            default: 20",
        "type: object",
        "name: limit",
        "`limit` is not supported",
    ),
    "nameless status": (CONTRACT, "'503':", "'499':", "'499':", "HTTP has no status 499"),
    "template syntax": (
        f"{TEMPLATES}/errors.py.jinja",
        "class ApiError(",
        "{% if %}\nclass ApiError(",
        "{% if %}",
        "Expected",
    ),
    "undefined variable": (
        f"{TEMPLATES}/client.py.jinja",
        "class Client(BaseClient):",
        "class Client(BaseClient{{ suffx }}):",
        "suffx",
        "'suffx' is undefined",
    ),
    "undefined in a macro": (
        f"{TEMPLATES}/endpoint_macros.py.jinja",
        "{{ returns }}",
        "{{ retruns }}",
        "retruns",
        "'retruns' is undefined",
    ),
    "template that makes no Python": (
        f"{TEMPLATES}/errors.py.jinja",
        "class ApiTimeoutError(",
        "class ApiTimeoutError((",
        None,
        "errors.py",
    ),
    "template that does not import": (
        f"{TEMPLATES}/errors.py.jinja",
        "may_pass: bool = False",
        "may_pass: bool = int('x')",
        None,
        "errors.py:232: ValueError",
    ),
    "call of what is not there": (
        f"{TEMPLATES}/endpoint_module.py.jinja",
        "parsed = decode(",
        "parsed = models.decode(",
        None,
        "list_workflow_runs.py:77: `models` has no `decode`",
    ),
    "call that does not fit": (
        f"{TEMPLATES}/endpoint_module.py.jinja",
        ", strict=client.strict)\n        {% if pages",
        ", strickt=client.strict)\n        {% if pages",
        None,
        "list_workflow_runs.py:78: the call of `decode` does not match its signature: missing",
    ),
    "call without an argument": (
        f"{TEMPLATES}/endpoint_macros.py.jinja",
        '{% for argument in view.at("path") %}{{ argument.python_name }}, {% endfor %}',
        "",
        None,
        "missing a required argument: 'definition_id'",
    ),
    "undefined name in a function": (
        f"{TEMPLATES}/endpoint_module.py.jinja",
        "return await client.read_async(",
        "return await clinet.read_async(",
        None,
        "Undefined name `clinet`",
    ),
    "unknown setting": (
        "overrides/models.yaml",
        "strict_refs:",
        "strict_reffs:",
        None,
        "no such setting: strict_reffs",
    ),
    "wrong setting": ("overrides/models.yaml", "[builtin]", "[prettier]", None, "setting `formatters.0`"),
    "unknown client setting": (
        "overrides/client.yaml",
        "post_hooks:",
        "post_hoks:",
        None,
        "no such setting: post_hoks",
    ),
    "wrong client setting": ("overrides/client.yaml", "post_hooks: []", "post_hooks: 3", None, "setting `post_hooks`"),
    "settings no YAML": ("overrides/client.yaml", "post_hooks: []", "post_hooks: [", None, "cannot be read"),
    "module syntax": ("overrides/package/_bases.py", "import enum", "impotr enum", "impotr enum", "invalid syntax"),
    "upstream's template has changed": (
        f"{TEMPLATES}/upstream.sha256",
        "4eac65762f",
        "0000000000",
        None,
        "compare the two",
    ),
    "tool of another version": ("requirements-dev.lock", "ruff==0.17.6", "ruff==0.17.5", None, "is installed"),
    "no version of the package": (
        "overrides/client.yaml",
        "version_override: ",
        "version_override: v",
        None,
        "must be a semantic version",
    ),
    "nothing that the package needs": ("pyproject.toml", "\ndependencies", "\nneeds", None, "'dependencies'"),
    "an entry that concerns nothing": (
        "CHANGELOG.md",
        "### Contract",
        "### Contarct",
        None,
        "must be below one of",
    ),
    "tool without a pin": ("requirements-dev.lock", "ruff==0.17.6", "rough==0.17.6", None, "does not pin 'ruff'"),
}


@pytest.fixture(scope="module")
def shared_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy for tests that put back what they edit."""
    return copy_tree(tmp_path_factory.mktemp("shared") / "a copy")


@pytest.fixture
def edited(shared_tree: Path, case: str) -> Iterator[Path]:
    """The copy with the edit of a case."""
    file, old, new, _, _ = REFUSED[case]
    data = (shared_tree / file).read_bytes()
    replace(shared_tree / file, old, new)
    yield shared_tree
    (shared_tree / file).write_bytes(data)


@pytest.mark.parametrize("case", REFUSED)
def test_invalid_input_is_one_error_with_file_and_line(
    edited: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    file, _, _, at, why = REFUSED[case]
    before = contents(edited)
    assert main(["generate"], edited) == 2
    out, err = capsys.readouterr()
    problem, fix = err.rstrip("\n").rsplit("\nfix: ", 1)
    assert out == "" and problem.startswith("problem: ") and fix
    # The message names the template or the rendered file.
    names = {"endpoint_module.py": "list_workflow_runs.py", "endpoint_macros.py": "list_workflow_runs.py"}
    name = Path(file).name.removesuffix(".jinja")
    assert name in problem + fix or names.get(name, name) in problem + fix
    assert why in problem + fix
    if at is not None:
        line = next(number for number, text in enumerate((edited / file).read_text().splitlines(True), 1) if at in text)
        assert f"{Path(file).name}:{line}" in problem
    assert contents(edited) == before


@pytest.mark.parametrize("missing", ["openapi.yaml", "requirements-dev.lock", "overrides/client.yaml", "CHANGELOG.md"])
def test_a_missing_input_is_named(tree: Path, capsys: pytest.CaptureFixture[str], missing: str) -> None:
    (tree / missing).unlink()
    assert main(["generate"], tree) == 2
    assert missing in capsys.readouterr().err


def test_a_contract_that_is_not_utf_8_is_named(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / CONTRACT).write_bytes(b"\xff\xfe")
    assert main(["generate"], tree) == 2
    assert "openapi.yaml is not UTF-8" in capsys.readouterr().err


def test_a_template_without_a_record_is_refused(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / TEMPLATES / "api_init.py.jinja").write_text('"""Ours."""\n')
    assert main(["generate"], tree) == 2
    assert "api_init.py.jinja" in capsys.readouterr().err


def test_a_template_that_replaces_nothing_is_refused(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / TEMPLATES / "clinet.py.jinja").write_text("x = 1\n")
    assert main(["generate"], tree) == 2
    assert "no such template" in capsys.readouterr().err


def test_module_that_a_generator_also_writes_is_refused(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "overrides/package/models.py").write_text("x = 1\n")
    assert main(["generate"], tree) == 2
    assert "both write models.py" in capsys.readouterr().err
