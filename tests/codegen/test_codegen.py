"""`make generate` and `make verify`, on copies of openapi.yaml and overrides/."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen import PACKAGE, ROOT, provenance
from codegen.__main__ import main
from codegen.provenance import GENERATOR_MODULES, files_below
from tests.codegen.trees import LIMIT, VERSION, contents, generated, replace, set_contract_version


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
        "files = (module.__file__ for name, module in sys.modules.items() if name.partition('.')[0] == 'codegen');"
        r"print(*files, sep='\n')"
    )
    path = {**os.environ, "PYTHONPATH": str(ROOT / "overrides")}
    done = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True)
    modules = {Path(file).relative_to(ROOT / "overrides").as_posix() for file in done.stdout.splitlines()}
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


# --- what is kept ---------------------------------------------------------------------------------------------------


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
