"""The driver, on copies of openapi.yaml and overrides/ with one error each."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codegen import PACKAGE, ROOT, provenance
from codegen.__main__ import main
from codegen.provenance import GENERATOR_MODULES, files_below
from tests.codegen.trees import LIMIT, VERSION, contents, copy_tree, generated, replace, set_contract_version


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the driver's input and output, in a folder with a space in its name."""
    return copy_tree(tmp_path / "a copy")


def run(root: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the driver of a copy as `make` does."""
    return subprocess.run(
        [sys.executable, "-m", "codegen", command],
        env={**os.environ, "PYTHONPATH": str(root / "overrides"), **environment},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


# --- what comes out -------------------------------------------------------------------------------------------------


def test_generation_from_nothing_gives_the_committed_bytes(tree: Path) -> None:
    shutil.rmtree(tree / "generated")
    done = run(tree, "generate", PYTHONHASHSEED="1")
    assert done.returncode == 0, done.stderr
    assert contents(tree / "generated") == contents(generated())


@pytest.mark.full
def test_settings_of_surrounding_projects_do_not_reach_the_output(tree: Path) -> None:
    settings = {"ruff": "line-length = 40", "black": "line-length = 40", "datamodel-codegen": "use-annotated = false"}
    project = (tree / "pyproject.toml").read_text().partition("[tool.")[0]
    tools = "".join(f"[tool.{name}]\n{line}\n" for name, line in settings.items())
    (tree / "pyproject.toml").write_text(project + tools)
    (tree / "ruff.toml").write_text("line-length = 40\n")
    shutil.rmtree(tree / "generated")
    # Nor does another hash seed.
    assert run(tree, "generate", PYTHONHASHSEED="2").returncode == 0
    assert contents(tree / "generated") == contents(generated())


def test_unchanged_input_is_a_no_op(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {name: path.stat().st_mtime_ns for name, path in files_below(tree / "generated")}
    assert main(["generate"], tree) == 0
    assert capsys.readouterr().out.startswith("Fresh: ")
    assert before == {name: path.stat().st_mtime_ns for name, path in files_below(tree / "generated")}


def test_no_op_does_not_import_the_generators(tree: Path) -> None:
    """Keeps the no-op fast, without a timing in the test."""
    code = (
        "import sys; sys.argv[1:] = ['generate']; from codegen.__main__ import main; assert main() == 0;"
        "heavy = {'pydantic', 'jinja2', 'openapi_python_client', 'datamodel_code_generator'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tree / "overrides")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_change_of_the_contract_reaches_models_client_and_provenance(tree: Path) -> None:
    set_contract_version(tree, "9.1.0")
    replace(tree / "openapi.yaml", "maximum: 100", "maximum: 250")
    replace(tree / "openapi.yaml", "enum: [PENDING, RUNNING,", "enum: [PENDING, CANCELLED, RUNNING,")
    assert main(["generate"], tree) == 0
    package = tree / "generated" / PACKAGE
    assert 'CANCELLED = "CANCELLED"' in (package / "models.py").read_text()
    assert "at most 250" in (package / "api/workflow_definitions/list_workflow_runs.py").read_text()
    init = (package / "__init__.py").read_text()
    assert 'CONTRACT_VERSION = "9.1.0"' in init and '+contract.9.1.0"' in init
    provenance = json.loads((package / "PROVENANCE.json").read_text())
    assert provenance["contract"]["version"] == "9.1.0" and provenance["version"].endswith("+contract.9.1.0")


FURTHER_PARAMETERS = """
        - {name: status, in: query, schema: {$ref: '#/components/schemas/WorkflowRunStatus'}}
        - {name: color, in: query, schema: {type: string, enum: [red, "it's blue"], default: red}}
        - {name: is-late, in: query, schema: {type: boolean, default: false}}
        - {name: title, in: query, schema: {type: string}}
        - {name: age, in: query, required: true, schema: {type: integer, maximum: 9}}
"""


def test_rules_list_and_order_of_checks_reach_the_docstrings(tree: Path) -> None:
    contract = tree / "openapi.yaml"
    # Any text stays text.
    message = 'Never \\"\\"\\" + __import__(os), a \\\\N{BULLET} or \\\\'
    replace(contract, "message: No time of a run lies in the future.", f'message: "{message}"')
    replace(contract, "message: Every run belongs to", "message: Each run is one of")
    replace(contract, "message: At most one run of a definition is", "message: One run of a definition is")
    replace(contract, "stage: access, status: 403, parameter: definition_id", "stage: access, status: [403, 404]")
    assert main(["generate"], tree) == 0
    code = """
from ks_workflow_runs.api.workflow_definitions import list_workflow_runs as module
from ks_workflow_runs.models import WorkflowRunResponse
print(WorkflowRunResponse.__doc__)
for function in (module.sync, module.sync_detailed, module.asyncio, module.asyncio_detailed):
    print(" ".join(function.__doc__.split()))
"""
    command = [sys.executable, "-W", "error", "-c", code]
    told = subprocess.run(command, cwd=tree / "generated", capture_output=True, text=True, check=False)
    assert told.stderr == ""
    assert "- `error` is set exactly for `FAILED`.\n" in told.stdout
    assert "__import__(os), a" in told.stdout and "N{BULLET} or" in told.stdout
    for said in (
        "- Each run is one of the definition that was asked for.",
        "No two items have the same id. One run of a definition is `RUNNING`.",
        "Checked in this order: credentials (401), parameters (422), existence (404), access (403 or 404). "
        "At any time: 429, 503.",
    ):
        assert told.stdout.count(said) == 4


def test_query_parameters_of_every_kind_reach_the_client(tree: Path) -> None:
    before = "        - name: authorization\n"
    replace(tree / "openapi.yaml", before, FURTHER_PARAMETERS[1:] + before)
    assert main(["generate"], tree) == 0
    program = """
from ks_workflow_runs.api.workflow_definitions.list_workflow_runs import build_call
from ks_workflow_runs.errors import ConfigurationError
from ks_workflow_runs.models import WorkflowRunStatus

def show(**given):
    try:
        print(dict(build_call("6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a10", **{"age": 3, **given}).params))
    except ConfigurationError as error:
        print(error)

show()
show(status=WorkflowRunStatus.FAILED, color="it's blue", is_late=True, title="&")
show(age=10)
show(status="LOST")
show(color="green")
show(is_late="yes")
show(title=3)
"""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=tree / "generated", capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "{'limit': '20', 'offset': '0', 'color': 'red', 'is-late': 'false', 'age': '3'}",
        "{'limit': '20', 'offset': '0', 'status': 'FAILED', 'color': \"it's blue\", 'is-late': 'true', 'title': '&', "
        "'age': '3'}",
        "'age' must be at most 9 (got 10)",
        "'status' must be one of PENDING, RUNNING, COMPLETED, FAILED (got str 'LOST')",
        "'color' must be one of red, it's blue (got str 'green')",
        "'is-late' must be True or False (got str 'yes')",
        "'title' must be text (got int 3)",
    ], done.stderr


def test_referenced_parameter_gives_the_same_output(tree: Path) -> None:
    schema = LIMIT.partition("schema:\n")[2].replace("            ", "      ")
    parameter = LIMIT.partition("          schema:")[0].replace("        - ", "      ").replace("          ", "      ")
    replace(tree / "openapi.yaml", LIMIT, "        - $ref: '#/components/parameters/Limit'\n")
    reference = "      schema: {$ref: '#/components/schemas/Limit'}\n"
    replace(tree / "openapi.yaml", "components:\n", f"components:\n  parameters:\n    Limit:\n{parameter}{reference}")
    replace(tree / "openapi.yaml", "\n  schemas:\n", f"\n  schemas:\n    Limit:\n{schema}")
    assert main(["generate"], tree) == 0
    name = f"generated/{PACKAGE}/api/workflow_definitions/list_workflow_runs.py"
    assert (tree / name).read_text() == (generated().parent / name).read_text()


def test_provenance_has_no_paths_and_no_times() -> None:
    text = (ROOT / "generated" / PACKAGE / "PROVENANCE.json").read_text()
    document = json.loads(text)
    assert set(document) == {
        *("about", "package", "version", "contract", "overrides", "tools", "requires-python", "dependencies", "files")
    }
    assert str(ROOT) not in text and sys.prefix not in text


def test_provenance_covers_all_generator_modules() -> None:
    code = (
        "import sys, codegen.render, codegen.docstrings;"
        "print(*(module.__file__ for name, module in sys.modules.items() if name.partition('.')[0] == 'codegen'))"
    )
    path = {**os.environ, "PYTHONPATH": str(ROOT / "overrides")}
    done = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True)
    modules = {Path(file).relative_to(ROOT / "overrides").as_posix() for file in done.stdout.split()}
    # They evaluate rules, which does not affect the output.
    judging = {
        name for name in modules - set(GENERATOR_MODULES) if name.startswith(("codegen/cel/", "codegen/extensions/"))
    }
    assert modules - judging == set(GENERATOR_MODULES)


def test_project_changes_leave_the_package_current(tree: Path) -> None:
    replace(tree / "CHANGELOG.md", "### Project\n", "### Project\n\n- An entry.\n")
    (tree / "overrides/codegen/vendor.py").write_text("")
    assert provenance.is_current(tree, provenance.read_inputs(tree))
    replace(tree / "CHANGELOG.md", "### Client\n", "### Client\n\n- An entry.\n")
    assert not provenance.is_current(tree, provenance.read_inputs(tree))


# --- verify ---------------------------------------------------------------------------------------------------------


def _edit(root: Path) -> None:
    replace(root / "generated" / PACKAGE / "models.py", "total:", "totals:")


def _add(root: Path) -> None:
    (root / "generated" / PACKAGE / "extra.py").write_text("x = 1\n")


def _delete(root: Path) -> None:
    (root / "generated" / PACKAGE / "types.py").unlink()


def _delete_all(root: Path) -> None:
    shutil.rmtree(root / "generated")


def _edit_contract(root: Path) -> None:
    replace(root / "openapi.yaml", "maximum: 100", "maximum: 250")


def _edit_override(root: Path) -> None:
    replace(root / "overrides/package/_bases.py", "is_known", "known")


def _edit_changelog(root: Path) -> None:
    replace(root / "CHANGELOG.md", "### Client\n", "### Client\n\n- An entry.\n")


def _edit_sums(root: Path) -> None:
    replace(root / "generated" / PACKAGE / "SHA256SUMS", "models.py", "modles.py")


def _forge_provenance(root: Path) -> None:
    replace(root / "generated" / PACKAGE / "PROVENANCE.json", f'"{VERSION}"', '"9.1.0"')


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_edit, "models.py"),
        (_add, "extra.py"),
        (_delete, "types.py"),
        (_delete_all, "client.py"),
        (_edit_contract, "list_workflow_runs.py"),
        (_edit_override, "_bases.py"),
        (_forge_provenance, "PROVENANCE.json"),
        (_edit_changelog, "CHANGELOG.md"),
        (_edit_sums, "SHA256SUMS"),
    ],
)
def test_verify_finds_every_difference_and_writes_nothing(
    tree: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Path], None], named: str
) -> None:
    change(tree)
    before = contents(tree)
    assert main(["verify"], tree) == 1
    out = capsys.readouterr().out
    assert out.startswith("Stale: ") and named in out and out.endswith("make generate\n")
    # `generate` refuses foreign files, so it is not the only fix.
    assert ("\n  foreign  generated/" in out) == ("fix: move them" in out) == (change is _add)
    assert contents(tree) == before


def test_verify_passes_for_the_committed_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify"]) == 0
    assert capsys.readouterr().out.startswith("Fresh: ")


def test_generate_fixes_what_verify_reports(tree: Path) -> None:
    for changes in ((_edit, _delete), (_forge_provenance,), (_edit_sums,)):
        for change in changes:
            change(tree)
        assert main(["generate"], tree) == 0
        assert contents(tree / "generated") == contents(generated())


# --- what is refused ------------------------------------------------------------------------------------------------

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


def test_foreign_files_are_kept(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = tree / "generated/notes.txt"
    notes.write_text("mine\n")
    _edit_contract(tree)
    before = contents(tree)
    assert main(["generate"], tree) == 2
    assert "notes.txt" in capsys.readouterr().err
    assert contents(tree) == before


def test_interrupt_leaves_the_output_unchanged(tree: Path) -> None:
    """In place of the formatter, the driver interrupts itself."""
    _edit_contract(tree)
    before = contents(tree)
    replace(
        tree / "overrides/codegen/render.py",
        '    _format(package, overrides / "package")\n',
        f"    import os; os.kill(os.getpid(), {int(signal.SIGINT)})\n",
    )
    before = contents(tree)
    done = run(tree, "generate")
    assert done.returncode == 2 and "interrupted" in done.stderr and "Traceback" not in done.stderr
    assert contents(tree) == before


def test_an_unknown_command_is_refused() -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["regenerate"])
    assert exit_.value.code == 2
