"""`make lint`, on contracts with one error each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from codegen import ROOT

LINT = ".ci/lint-contract"

# By case: old text, new text, and the rule that reports it.
BROKEN = {
    "nullable of OpenAPI 3.0": ("type: [string, 'null']", "nullable: true", "struct"),
    "exclusiveMinimum of OpenAPI 3.0": ("minimum: 1\n", "exclusiveMinimum: true\n", "struct"),
    "a keyword that is misspelt": ("operationId:", "operationID:", "struct"),
    "a type that there is not": ("type: integer", "type: int", "struct"),
    "a page that is not as the schema has it": ("total: 3\n", "total: '3'\n", "no-invalid-media-type-examples"),
    "an example without a required field": ("detail: Quota", "message: Quota", "no-invalid-media-type-examples"),
    "an example of a parameter": (
        "example: 6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a10",
        "example: 17",
        "no-invalid-parameter-examples",
    ),
    "an example of a schema": ("description: One sentence for a person.", "example: 5", "no-invalid-schema-examples"),
    "a required field that is not defined": (
        "required: [detail]",
        "required: [detail, code]",
        "no-required-schema-properties-undefined",
    ),
    "a component that nobody uses": (
        "    PartType:\n",
        "    Unused:\n      type: string\n    PartType:\n",
        "no-unused-components",
    ),
    "a reference that leads nowhere": ("schemas/PartType'", "schemas/PartTypes'", "no-unresolved-refs"),
    "a value of another type in an enumeration": ("[SELF_HOSTED]", "[SELF_HOSTED, 5]", "no-enum-type-mismatch"),
    "a value that is there twice": (
        "RUNNING, COMPLETED, FAILED]",
        "RUNNING, COMPLETED, RUNNING]",
        "no-duplicated-enum-values",
    ),
    "a security scheme that is not defined": ("- bearerAuth: []", "- bearer: []", "security-defined"),
    "a path parameter that is not in the path": (
        "{definition_id}/runs:",
        "{definition}/runs:",
        "path-parameters-defined",
    ),
    "a tag that is not defined": ("tags: [Workflow Definitions]", "tags: [Workflows]", "operation-tag-defined"),
    "a parameter without a description": (
        "          description: Number of items per page\n",
        "",
        "parameter-description",
    ),
    "a 429 that does not say how long": (
        "            Retry-After:\n",
        "            Wait:\n",
        "response-contains-header",
    ),
    "an answer that is not JSON": ("application/json:", "text/plain:", "response-mime-type"),
    "a verb in the path": ("/{definition_id}/runs:", "/{definition_id}/get-runs:", "no-http-verbs-in-paths"),
    "a path in snake case": ("/v1/workflow-definitions/", "/v1/workflow_definitions/", "paths-kebab-case"),
    "a licence without an identifier": ("    identifier: MIT\n", "", "info-license-strict"),
}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """By broken contract, the rules that it violates. One run lints all, because the start of the linter is slow."""
    contract = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    folder = tmp_path_factory.mktemp("broken")
    for number, (old, new, _) in enumerate(BROKEN.values()):
        assert old in contract, old
        (folder / f"{number}.yaml").write_text(contract.replace(old, new, 1), encoding="utf-8")
    files = [str(folder / f"{number}.yaml") for number in range(len(BROKEN))]
    done = subprocess.run(["sh", LINT, "--format", "json", *files], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    broken: dict[str, set[str]] = defaultdict(set)
    text = done.stdout
    while text.strip():
        # Several reports follow one another.
        report, end = json.JSONDecoder().raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        for problem in report["problems"]:
            name = list(BROKEN)[int(Path(problem["location"][0]["source"]["ref"]).stem)]
            broken[name].add(problem["ruleId"])
    return broken


@pytest.mark.node
@pytest.mark.parametrize("name", BROKEN)
def test_broken_contract_violates_its_rule(name: str, findings: dict[str, set[str]]) -> None:
    assert BROKEN[name][2] in findings[name]


@pytest.mark.node
def test_contract_passes_the_linter() -> None:
    done = subprocess.run(["sh", LINT], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.node
def test_too_old_node_is_reported(tmp_path: Path) -> None:
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci", ignore=shutil.ignore_patterns("node_modules"))
    for name in ("package.json", "package-lock.json"):
        path = tmp_path / ".ci/redocly" / name
        document = json.loads(path.read_text(encoding="utf-8"))
        document.get("packages", {}).get("node_modules/@redocly/cli", {})["engines"] = {"node": ">=99"}
        path.write_text(json.dumps(document), encoding="utf-8")
    done = subprocess.run(["sh", LINT], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert 'Required: {"node":">=99"}' in done.stderr and "skipped: openapi.yaml was not linted" in done.stderr


def test_missing_node_is_reported_and_fails(tmp_path: Path) -> None:
    for name in ("sh", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    done = subprocess.run(
        ["sh", LINT], cwd=ROOT, env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "problem: there is no 'node' on this machine, and the linter needs it",
        "skipped: openapi.yaml was not linted",
        "fix: install Node 20.19 or later with npm (https://nodejs.org), then run it again",
    ]
