"""The checks read the operation from openapi.yaml: an edit there changes what is judged."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.codegen.trees import CONTRACT_PATH, replace
from tests.contract.checks.bounds import naming_error
from tests.contract.contract import contract
from tests.contract.parameter import INVALID, VALID, VARIANT, Parameter
from tests.contract_run.conftest import commanded
from tests.reference_server import seed
from tests.reference_server.uvicorn_server import running

(OPERATION,) = contract().operations
NINES = "9" * 5000
STATUS = {"components": {"schemas": {"Status": {"type": "string", "enum": ["RUNNING", "FAILED"]}}}}


def test_the_operation_is_read_from_the_contract() -> None:
    assert OPERATION.defaults == {"limit": 20, "offset": 0} and range(1, 101) == OPERATION.limits
    assert {200, 401, 403, 404, 422, 429, 503} == OPERATION.statuses


@pytest.mark.parametrize(
    ("schema", "valid", "lenient", "invalid"),
    [
        (
            OPERATION.query["limit"].schema,
            "1 100",
            "1.0 +5 05 1_0 1e1 1.5E1 10e-1 0x10 \uff11",
            "0 101 -1 abc true 1e2x 1e3 1.5 1e-1 0x65 NaN \u00b2 1.\uff11",
        ),
        (
            OPERATION.query["offset"].schema,
            "0 9007199254740991",
            f"9007199254740992 1e999 00 {NINES}",
            f"-1 -0.1 x -{NINES}",
        ),
        ({"type": "integer", "exclusiveMinimum": 2, "multipleOf": 2}, "4", "4.0", "2 3 5"),
        ({"type": ["integer", "null"]}, "7", "null", "x"),
        ({"type": "number", "maximum": 1}, "0.5 1 -2 1.0 1e0", "+0.5 +1", "1.5 x 1e999"),
        ({"type": "boolean"}, "true false", "True 1 0 yes off", "2 maybe null"),
        ({"$ref": "#/components/schemas/Status"}, "RUNNING FAILED", "", "running PENDING 1"),
        ({"type": "string", "format": "date"}, "2026-11-24", "yesterday", ""),
        ({"type": "string", "maxLength": 2}, "ab 1", "", "abc"),
        ({"type": "string", "format": "date-time"}, "2026-11-24T10:00:00Z", "2026-11-24 now 1700000000", "abc"),
        ({"type": "array", "items": {"type": "integer"}}, "1", "1.0", "x"),
    ],
    ids=str,
)
def test_a_text_is_judged_by_the_schema(schema: dict[str, Any], valid: str, lenient: str, invalid: str) -> None:
    parameter = Parameter("name", False, schema, STATUS)
    expected = {
        text: kind for texts, kind in ((valid, VALID), (lenient, VARIANT), (invalid, INVALID)) for text in texts.split()
    }
    assert {text: parameter.judge([text]) for text in expected} == expected


def test_missing_and_repeated_parameters() -> None:
    schema = {"type": "integer", "maximum": 2}
    assert Parameter("name", True, schema, {}).judge([]) == INVALID
    optional = Parameter("name", False, schema, {})
    assert [optional.judge(texts) for texts in ([], ["1", "2"], ["1", "x"], ["x", "y"])] == [
        VALID,
        VARIANT,
        VARIANT,
        INVALID,
    ]


@pytest.mark.parametrize(
    ("named", "wrong"),
    [
        ("limit", ""),
        # A server may name only the first of several errors, and may refuse a variant.
        ("offset", ""),
        ("limit offset", ""),
        ("definition_id", "must name limit or offset (got definition_id)"),
        ("limit definition_id", "must name limit or offset (got definition_id)"),
        ("page", 'must name limit or offset (got [["query", "page"]])'),
        ("", "must name limit or offset (got nothing)"),
    ],
)
def test_a_422_must_name_invalid_parameters(named: str, wrong: str) -> None:
    judgements = {"definition_id": VALID, "limit": INVALID, "offset": VARIANT}
    assert naming_error(judgements, [["query", name] for name in named.split()]) == wrong


Edited = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def edited(
    tmp_path: Path, environment: Callable[..., dict[str, str]], fresh: ProcessPoolExecutor
) -> Callable[..., Any]:
    """The contract run of the reference server, with edits of its contract."""

    def edited(*edits: tuple[str, str]) -> subprocess.CompletedProcess[str]:
        contract = tmp_path / "edited" / "openapi.yaml"
        contract.parent.mkdir()
        shutil.copy(CONTRACT_PATH, contract)
        for old, new in edits:
            replace(contract, old, new)
        with running() as base_url:
            ours = {"BASE_URL": base_url, "TOKEN": seed.TOKEN, "DEFINITION_ID": seed.DEFINITION_ID}
            given = environment(CONTRACT=str(contract), **ours)
            return fresh.submit(commanded, (), given).result(timeout=240)

    return edited


LIMIT = "            maximum: 100\n            default: 20\n"
# Two more parameters: one inline, one by reference for the whole path.
AGE = """\
        - {name: max_age_days, in: query, description: How old a run may be., schema: {type: integer, minimum: 1}}
"""
LATE = ("    get:\n", "    parameters: [{$ref: '#/components/parameters/Late'}]\n    get:\n")
COMPONENT = (
    "components:\n",
    "components:\n  parameters:\n    Late: {name: late, in: query, schema: {$ref: '#/components/schemas/Late'}}\n",
)
SCHEMA = ("\n  schemas:\n", "\n  schemas:\n    Late: {type: boolean, description: Whether it is late.}\n")


@pytest.mark.full
def test_a_server_that_does_not_follow_an_edit_violates_the_contract(edited: Edited, tmp_path: Path) -> None:
    result = edited((LIMIT, LIMIT.replace("100", "150") + AGE), LATE, COMPONENT, SCHEMA)
    assert result.returncode == 1, result.stdout + result.stderr
    found = " ".join(result.stdout.split())
    assert "valid_request_accepted" in found
    assert re.search(r"valid request \(.*?limit='\d+'.*?\): the status must be 200 \(got 422\)", found)
    # The verdict shows samples of a finding; the reports have all requests.
    assert re.search(r"(max_age_days|late)='[^']*' is invalid: the status must be 422 \(got 200\)", found)
    entries = json.loads((tmp_path / "requests.har").read_text("utf-8"))["log"]["entries"]
    taken = {entry["request"]["url"] for entry in entries if entry["response"]["status"] == 200}
    assert all(any(f"{name}=abc" in url for url in taken) for name in ("max_age_days", "late"))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (LIMIT, "\tlimit: 1\n", "openapi.yaml cannot be read: while scanning"),
        (LIMIT, "            maximum: 100\n", "openapi.yaml must have 'default' of limit, an integer"),
    ],
)
def test_an_unusable_contract_is_one_problem(edited: Edited, old: str, new: str, problem: str) -> None:
    result = edited((old, new))
    assert result.returncode == 2
    assert result.stderr.startswith(f"problem: {problem}") and result.stderr.count("problem: ") == 1
    assert "\nfix: " in result.stderr
