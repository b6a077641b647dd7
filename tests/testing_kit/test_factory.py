"""Runs that the kit makes, judged by the engine of the contract's rules, of which the kit has nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import ROOT
from codegen.extensions import Answer, Extensions, Request, Result, read
from codegen.openapi import read as read_document
from ks_workflow_runs import models, testing

DOCUMENT = read_document(ROOT / "openapi.yaml")
PROMISED: Extensions = read(DOCUMENT)
MESSAGES = {rule.message for rules in PROMISED.rules.values() for rule in rules}
RUN = jsonschema_rs.Draft202012Validator(
    {"$ref": "#/components/schemas/WorkflowRunResponse", "components": DOCUMENT.value["components"]},
    validate_formats=True,
)

NOW = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
STATES = [state.value for state in models.WorkflowRunStatus]
TIMES = st.datetimes(datetime(2026, 4, 1), datetime(2026, 5, 1, 12, 34), timezones=st.just(UTC))
IDS = st.uuids(version=4)
SNAPSHOTS = st.fixed_dictionaries(
    {},
    optional={
        "workflow_name": st.text(st.characters(codec="utf-8"), max_size=20),
        "user_id": IDS,
        "template": st.none(),
        "sources": st.just([]),
    },
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "id": IDS,
        "workflow_definition_id": IDS,
        "user_id": IDS,
        "runner_type": st.just("SELF_HOSTED"),
        "status": st.sampled_from(STATES),
        "error": st.none() | st.text(st.characters(codec="utf-8"), max_size=20),
        "started_at": TIMES,
        "completed_at": st.none() | TIMES,
        "created_at": TIMES,
        "updated_at": TIMES,
        "run_snapshot": SNAPSHOTS,
    },
)


def broken(runs: list[Any], now: datetime, before: dict[str, Any] | None = None) -> list[str]:
    """Returns what the runs break, or what cannot be judged of them."""
    operation = PROMISED.operation("list_workflow_runs")
    found = []
    for run in runs:
        body = {"items": [run], "total": 1, "limit": 20, "offset": 0}
        request = Request({"definition_id": run["workflow_definition_id"]})
        verdicts = PROMISED.judge_answer(operation, request, Answer(200, body), now, before or {})
        found += [verdict.rule_id for verdict in verdicts if verdict.result is not Result.HOLDS]
        found += [error.message for error in RUN.iter_errors(run)]
    return found


def written(run: models.WorkflowRunResponse) -> Any:
    return json.loads(run.model_dump_json())


def plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


@pytest.mark.parametrize("seed", range(4))
def test_thousands_of_runs_keep_all_rules(seed: int) -> None:
    server = testing.FakeServer(now=NOW)
    runs = [written(run) for run in server.add_runs(server.add_definition(), 500, seed=seed)]
    assert broken(runs, NOW) == []
    assert {run["status"] for run in runs} == set(STATES)
    assert sum(run["status"] == "RUNNING" for run in runs) == 1
    assert all(len({run[name] for run in runs}) == 500 for name in ("id", "created_at"))


@settings(max_examples=250, deadline=None, derandomize=True, database=None)
@given(fields=FIELDS, seed=st.integers(0, 2**32))
def test_whatever_is_given_is_there_or_refused(fields: dict[str, Any], seed: int) -> None:
    try:
        run = written(testing.make_run(seed=seed, now=NOW, **fields))
    except ValueError as error:
        assert str(error).partition(" (got ")[0] in MESSAGES
        return
    assert broken([run], NOW) == []
    for name, value in fields.items():
        if isinstance(value, datetime):
            assert datetime.fromisoformat(run[name]) == value
        elif name == "run_snapshot":
            assert {key: run[name][key] for key in value} == {key: plain(each) for key, each in value.items()}
        else:
            assert run[name] == plain(value)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_what_can_be_true_is_never_refused(seed: int, data: st.DataObject) -> None:
    whole = written(testing.make_run(seed=seed, now=NOW))
    names = data.draw(st.sets(st.sampled_from(sorted(whole))))
    again = written(testing.make_run(seed=seed + 1, now=NOW, **{name: whole[name] for name in names}))
    assert broken([again], NOW) == []


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 2**32), fields=FIELDS)
def test_a_change_keeps_the_rules_of_changes(seed: int, fields: dict[str, Any]) -> None:
    server = testing.FakeServer(now=NOW)
    definition = server.add_definition()
    [run] = server.add_runs(definition, seed=seed)
    server.advance(60)
    before = written(run)
    fields.pop("id", None)
    try:
        after = written(server.change_run(run, **fields))
    except ValueError as error:
        assert str(error).partition(" (got ")[0] in MESSAGES
        assert server.runs(definition) == [run]
        return
    assert broken([after], NOW + timedelta(seconds=60), {before["id"]: before}) == []
    assert [written(each) for each in server.runs(definition)] == [after]


def test_the_same_calls_make_the_same() -> None:
    def made() -> list[Any]:
        server = testing.FakeServer(now=NOW)
        first, second = server.add_definition(), server.add_definition()
        return [
            first,
            second,
            server.add_runs(first, 20, seed=1),
            server.add_runs(second, 20, seed=1),
            server.runs(first),
        ]

    assert made() == made()
    first, second, runs, others, there = made()
    assert first != second
    assert runs == there
    assert not {run.id for run in runs} & {run.id for run in others}


def test_they_do_so_in_every_process() -> None:
    program = (
        "from datetime import datetime, UTC\n"
        f"from {testing.__name__} import FakeServer\n"
        "server = FakeServer(now=datetime(2026, 5, 1, tzinfo=UTC))\n"
        "print(server.add_runs(server.add_definition(), 30, seed=1))\n"
    )
    folder = Path(testing.__file__).parents[testing.__name__.count(".")]
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"status": "PENDING", "error": "x"}, "`error` is set exactly for `FAILED`. (got status='PENDING', error='x')"),
        ({"status": "DONE"}, "'status' must be one of PENDING, RUNNING, COMPLETED, FAILED (got 'DONE')"),
        ({"state": "FAILED"}, "'state' must be left out: there is no such field"),
        (
            {"started_at": "yesterday"},
            "'started_at' must be a date-time with its offset, as RFC 3339 has it (got 'yesterday')",
        ),
        ({"id": 5}, "'id' must be text (got 5)"),
        ({"run_snapshot": {"user_id": None}}, "'run_snapshot.user_id' must be text (got None)"),
        ({"run_snapshot": {"sources": [{}]}}, "'run_snapshot.sources.0.path_part_id' must be there"),
        ({"created_at": datetime(2026, 1, 1)}, "'created_at' must be a date-time with its offset"),
        ({"updated_at": NOW + timedelta(minutes=6)}, "No time of a run lies in the future."),
        ({"error": object()}, "Unable to serialize unknown type: <class 'object'>"),
    ],
)
def test_what_cannot_be_is_told(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as raised:
        testing.make_run(now=NOW, **fields)
    assert str(raised.value).startswith(message)


def test_objects_are_filled_in_around_what_is_given() -> None:
    run = testing.make_run(run_snapshot={"workflow_name": "Weekly digest", "template": {"part_type": "DOCUMENT"}})
    assert run.run_snapshot.workflow_name == "Weekly digest"
    assert run.run_snapshot.template is not None
    assert run.run_snapshot.template.part_type is models.PartType.DOCUMENT
    assert testing.make_run(run_snapshot=run.run_snapshot).run_snapshot == run.run_snapshot
