"""Validation of `x-rules`, `x-list`, `x-judged` and `x-selects`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from codegen import Problem, extensions
from codegen.__main__ import main
from codegen.extensions import Answer, Request
from codegen.openapi import parse
from tests.codegen.test_extensions import NOW, PROMISED, TEXT
from tests.codegen.trees import contents, copy_tree, replace

RULE = "rule: (self.error != null) == (self.status == 'FAILED')"
LIMIT = "        - name: limit\n          in: query\n"

# By case: old text, new text, text of the line in the message (None for any), and parts of problem and fix.
REFUSED = {
    "a field that is misspelt": (RULE, RULE.replace("error", "eror"), "eror", "no field `eror`", "write `error`"),
    "a field of another schema": (
        RULE,
        "rule: self.path_part_id != ''",
        "self.path_part_id",
        "WorkflowRunResponse has no field `path_part_id`",
        "a field of ABCDPathSnapshot",
    ),
    "a field below another": (
        RULE,
        "rule: self.run_snapshot.templates == null",
        "templates ==",
        "WorkflowRunSnapshot has no field `templates`",
        "write `template`",
    ),
    "a field of elements": (
        RULE,
        "rule: self.run_snapshot.sources.all(s, s.path == '')",
        "s.path ==",
        "ABCDPathSnapshot has no field `path`",
        "path_part_id",
    ),
    "a field of the request": (
        "request.path.definition_id",
        "request.query.definition_id",
        "request.query",
        "has no field `definition_id`",
        "",
    ),
    "a value that there is not": (RULE, RULE.replace("FAILED", "FALED"), "FALED", "'FALED'", "write `FAILED`"),
    "values of which one is not": (
        "['COMPLETED', 'FAILED'])\n          message",
        "['COMPLETED', 'DONE'])\n          message",
        "'DONE'",
        "compares with 'DONE', which is not a value of WorkflowRunStatus",
        "COMPLETED",
    ),
    "no CEL": (RULE, RULE.replace("==", "=", 1), RULE[:20], "line 1, character", ""),
    "a variable that there is not": (RULE, RULE.replace("self.e", "slf.e"), "slf", "undeclared reference to 'slf", ""),
    "a function that there is not": (RULE, "rule: sizes(self.id) > 1", "sizes", "undeclared reference to 'sizes'", ""),
    "types that do not go together": (RULE, "rule: self.created_at < self.id", "< self.id", "no matching overload", ""),
    "null where it cannot be": (RULE, "rule: self.status == null", "== null", "no matching overload", ""),
    "no condition": (RULE, "rule: self.id", "rule: self.id", "must be true or false", ""),
    "no text": (RULE, "rule: 5", "rule: 5", "is not of type", "schema.yaml"),
    "no duration": (
        "duration('300s')",
        "duration('5 min')",
        "rule: |-\n",
        "'5 min' is not a valid argument of duration()",
        "",
    ),
    "no time": (
        RULE,
        "rule: self.created_at > timestamp('2020')",
        "2020",
        "'2020' is not a valid argument of timestamp()",
        "",
    ),
    "no pattern": (RULE, "rule: self.id.matches('(')", "matches", "'(' is not a valid argument of matches()", ""),
    "each with each": (
        "run.workflow_definition_id == request.path.definition_id",
        "response.body.items.all(other, other.id != run.id || other == run)",
        "items.all(run",
        "once for each element of another list",
        "`key` of `x-list`",
    ),
    "no message": ("          message: '`error` is set exactly for `FAILED`.'\n", "", "id: error_by", '"message"', ""),
    "an unknown key of a rule": (
        "message: Every run",
        "reason: x\n              message: Every run",
        "reason",
        "`x-rules` has no `reason`",
        "id, rule, message",
    ),
    "a misspelt key of a rule": ("message: Every", "mesage: Every", "mesage", "has no `mesage`", "write `message`"),
    "an id twice": ("id: error_by_status", "id: times_in_order", None, "`times_in_order` is already used on line", ""),
    "an id of a list twice": ("id: one_running", "id: error_by_status", None, "is already used on line", ""),
    "an id that is none": ("id: error_by_status", "id: Error!", "Error!", "does not match", ""),
    "a misspelt key of a schema": (
        "      x-rules:\n        - id: c",
        "      x-rule:\n        - id: c",
        "x-rule:",
        "no key",
        "x-rules",
    ),
    "a misspelt key of an operation": ("      x-list:", "      x-lists:", "x-lists", "no key `x-lists`", "`x-list`"),
    "a misspelt key of a response": ("          x-rules:", "          x_rules:", "x_rules", "no key", "`x-rules`"),
    "a key in the wrong place": (
        "      x-list:",
        "      x-rules: []\n      x-list:",
        "x-rules: []",
        "a schema or a",
        "",
    ),
    "a key of the document": ("info:\n", "x-judged: []\ninfo:\n", "x-judged: []", "belongs to an operation", ""),
    "a rule of a path's value": (
        "          in: path\n",
        "          in: path\n          x-selects: []\n",
        "x-selects",
        "belongs to a query parameter",
        "",
    ),
    "no list": ("        style: offset\n", "        style: page\n", "style: page", "`x-list` is invalid", ""),
    "a list of both styles": (
        "        key: id",
        "        key: id\n        cursor: c",
        "cursor: c",
        "is not allowed with",
        "",
    ),
    "a list by cursor without one": ("        style: offset\n", "        style: cursor\n", None, '"cursor" is a', ""),
    "a parameter that there is not": (
        "        limit: limit\n",
        "        limit: limits\n",
        "limit: limits",
        "no query parameter `limits`",
        "write `limit`",
    ),
    "an echo of none": (
        "echoes: {limit",
        "echoes: {page",
        "echoes: {page",
        "no query parameter `page`",
        "limit, offset",
    ),
    "an echo in no field": ("limit, offset: offset}", "limt, offset: offset}", "limt", "no field `limt`", "`limit`"),
    "items that are not there": (
        "        items: items\n",
        "        items: runs\n",
        "items: runs",
        "no field `runs`",
        "",
    ),
    "items that are no array": ("        items: items\n", "        items: total\n", "items: total", "an array", ""),
    "a total that is no integer": (
        "        total: total\n",
        "        total: items\n",
        "total: items",
        "an integer",
        "",
    ),
    "a key that is not there": ("        key: id\n", "        key: uuid\n", "key: uuid", "no field `uuid`", ""),
    "a condition of a list": ("'RUNNING'\n", "'RUNING'\n", "RUNING", "`one_running` compares with", "write `RUNNING`"),
    "a status that there is not": ("status: 401}", "status: 402}", "status: 402}", "no response 402", "401, 403"),
    "a status that is not placed": ("[429, 503]", "[429]", "x-judged", "has no stage for 503", "`any`"),
    "a success that is judged": ("[429, 503]", "[429, 503, 200]", "503, 200]", "200 is a success", ""),
    "a stage that there is not": ("stage: access", "stage: acess", "acess", "is not one of", ""),
    "a resource that nothing names": (
        "403, parameter: d",
        "403, parameter: _d",
        "_definition",
        "no parameter `_def",
        "definition",
    ),
    "an existence of nothing": (
        "status: 404, parameter: definition_id, ",
        "status: 404, ",
        "existence",
        "parameter",
        "",
    ),
    "a selection with other types": (
        LIMIT,
        f"{LIMIT}          x-selects: [{{id: picked, rule: item.id == value, message: m}}]\n",
        "x-selects",
        "'(string, int)'",
        "",
    ),
    "an example that breaks a rule": (
        "                    error: null\n",
        "                    error: ''\n",
        "- id: 0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a01",
        "breaks the rule `error_by_status`: `error` is set exactly for `FAILED`.",
        "",
    ),
    "an example of another definition": (
        "          example: 6f1c2f0e-6c0b",
        "          example: 7f1c2f0e-6c0b",
        "              example:\n",
        "`runs_of_the_definition`",
        "",
    ),
    "an example with too few items": ("total: 3\n", "total: 4\n", "              example:\n", "`number_of_items`", ""),
    "an example with another limit": (
        "limit: 20\n                o",
        "limit: 3\n                o",
        None,
        "echoed",
        "",
    ),
    "an example with one id twice": ("1f7a02", "1f7a01", "              example:\n", "`unique_ids`", ""),
    "an example with two at once": (
        "status: FAILED\n                    started_at: '2026-03-31T09:30:00.870000Z'\n"
        "                    completed_at: '2026-03-31T09:35:30.870000Z'",
        "status: RUNNING\n                    started_at: '2026-03-31T09:30:00.870000Z'\n"
        "                    completed_at: null",
        None,
        "breaks the rule",
        "",
    ),
}


def refusal(text: str) -> Problem:
    with pytest.raises(Problem) as raised:
        extensions.read(parse(text, "openapi.yaml"))
    return raised.value


@pytest.mark.parametrize("case", REFUSED)
def test_invalid_extension_is_one_problem_with_file_line_and_fix(case: str) -> None:
    old, new, at, what, fix = REFUSED[case]
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    problem = refusal(text)
    assert what in problem.what and problem.fix and fix in problem.fix
    place = problem.what.split(":")
    assert place[0] == "openapi.yaml" and int(place[1]) > 1
    if at is not None:
        lines = [number for number, line in enumerate(text.splitlines(True), 1) if at in line]
        assert int(place[1]) in lines, problem.what


@pytest.mark.parametrize("command", ["generate", "verify", "lint", "docs", "drift", "release-check"])
def test_all_commands_refuse_an_invalid_extension(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    # No server listens there; no request is sent.
    monkeypatch.setenv("BASE_URL", "http://127.0.0.1:9")
    tree = copy_tree(tmp_path / "tree")
    if command == "release-check":
        for arguments in (
            ["init", "-q"],
            ["add", "."],
            ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qmx"],
        ):
            subprocess.run(["git", *arguments], cwd=tree, check=True)
    replace(tree / "openapi.yaml", RULE, RULE.replace("FAILED", "FALED"))
    before = contents(tree / "generated")
    assert main([command], tree) == 2
    out, err = capsys.readouterr()
    line = TEXT[: TEXT.index(RULE)].count("\n") + 1
    assert out == ""
    assert err.startswith(f"problem: openapi.yaml:{line}: the rule `error_by_status` compares with 'FALED'")
    assert err.count("problem:") == err.count("\nfix: write `FAILED`") == 1
    assert contents(tree / "generated") == before


def test_contract_passes_lint(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint"]) == 0
    assert capsys.readouterr().out.startswith("The contract is valid")


def test_other_extension_keys_are_ignored() -> None:
    text = TEXT.replace("info:\n", "info:\n  x-audience: all\n", 1)
    text = text.replace(
        "            Retry-After:\n", "            X-Rules: {schema: {type: string}}\n            Retry-After:\n"
    )
    assert extensions.read(parse(text, "openapi.yaml")).rules.keys() == PROMISED.rules.keys()


def test_document_without_extensions() -> None:
    bare = {"openapi": "3.1.0", "paths": {"/": {"get": {"responses": {"200": {"description": "x"}}}}}}
    promised = extensions.read(bare)
    [operation] = promised.operations.values()
    assert (operation.answers, operation.listing, operation.judged) == ({"200": ()}, None, ())
    assert promised.judge_answer(operation, Request(), Answer(200, {"a": 1}), NOW) == []
    assert promised.judge_answer(operation, Request(), Answer(404, None), NOW) == []
