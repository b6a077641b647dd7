"""Query plans with many runs: pages are read from an index, without a scan, sort or count of all runs."""

import re
import uuid
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import update_statistics
from tests.reference_server.seed import DEFINITION_ID

# Enough for the same plans as with a million.
RUNS = 50_000

# Copies of one small run: the database makes them in a moment, where seeding takes seconds.
MULTIPLY = """
    WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < :more)
    INSERT INTO workflow_runs (
        workflow_definition_id, sequence, id, user_id, runner_type, status, started_at, completed_at, run_snapshot,
        error, created_at, updated_at
    )
    SELECT
        workflow_definition_id, sequence + number, {id}, user_id, runner_type, 'COMPLETED', started_at, started_at,
        '{{}}', NULL, started_at, started_at
    FROM numbers, workflow_runs JOIN workflow_definitions ON workflow_definition_id = workflow_definitions.id
    WHERE runs = 1
"""
IDS = {"sqlite": "printf('%032x', number)", "postgresql": "CAST(lpad(to_hex(number), 32, '0') AS uuid)"}

# Plan steps of SQLite and PostgreSQL that use an index.
LOOKUP = re.compile(
    r"SEARCH \w+ USING (COVERING )?INDEX .*|Limit .*|->  Index (Only )?Scan .*|Index Scan .*|Index Cond: .*"
)
INDEX_ALONE = re.compile(r"COVERING INDEX|Index Only Scan")


# Offsets of pages, and the number of index entries that are skipped to reach them.
SKIPPED = {0: 0, 20: 20, 24_999: 24_999, 25_000: 24_999, RUNS - 100: 99}


@pytest.mark.parametrize("database_url", ["file", "postgresql"], indirect=True)
def test_pages_of_many_runs_are_looked_up(database_url: str) -> None:
    server = ReferenceServer(database_url, runs=1)
    with server.engine.begin() as connection:
        statement = MULTIPLY.format(id=IDS[server.engine.dialect.name])
        connection.execute(text(statement), {"more": RUNS - 1})
    update_statistics(server.engine)

    for offset, skipped in SKIPPED.items():
        queries = explain(server, offset)
        for _, plan in queries:
            assert all(LOOKUP.fullmatch(step) for step in plan), (offset, plan)
        # The queries are the total, the start of the page (without reading a run), and the page.
        _, (values, plan), _ = queries
        assert any(INDEX_ALONE.search(step) for step in plan)
        assert skipped in values
    server.close()


def explain(server: ReferenceServer, offset: int) -> list[tuple[list[Any], list[str]]]:
    """Return the parameters and the plan of each query for a page. Checks the page, too."""
    found: list[tuple[list[Any], list[str]]] = []

    def record_plan(connection: object, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("SELECT"):
            words = "EXPLAIN QUERY PLAN" if server.engine.dialect.name == "sqlite" else "EXPLAIN"
            cursor.execute(f"{words} {statement}", parameters)
            values = list(parameters.values() if isinstance(parameters, dict) else parameters)
            found.append((values, [str(row[-1]).strip() for row in cursor.fetchall()]))

    event.listen(server.engine, "before_cursor_execute", record_plan)
    with Session(server.engine) as session:
        total, runs = server.load_page(session, Parameters(uuid.UUID(DEFINITION_ID), 20, offset))
    event.remove(server.engine, "before_cursor_execute", record_plan)
    assert total == RUNS
    assert [run.sequence for run in runs] == list(range(RUNS - offset, RUNS - offset - 20, -1))
    return found
