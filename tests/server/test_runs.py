"""Pages and their runs; concurrent readers and writers."""

import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, inspect, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from tests.reference_server import database
from tests.reference_server.app import ReferenceServer
from tests.reference_server.database import Definition, Run, User
from tests.reference_server.seed import DEFINITION_ID, RUNS
from tests.reference_server.uvicorn_server import running
from tests.server.client import Client
from tests.server.rules import check_runs

COLUMNS = inspect(Run).column_attrs.keys()


@pytest.fixture(scope="module")
def runs(client: Client) -> list[dict[str, Any]]:
    """The whole list, in order."""
    return [run for offset in (0, 100) for run in client.request(f"limit=100&offset={offset}").json()["items"]]


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(limit=st.integers(1, 100), offset=st.integers(0, RUNS + 20))
def test_any_page_is_a_slice_of_the_list(client: Client, runs: list[dict[str, Any]], limit: int, offset: int) -> None:
    page = client.request(f"limit={limit}&offset={offset}").json()
    assert page == {"items": runs[offset : offset + limit], "total": RUNS, "limit": limit, "offset": offset}


def test_each_run_is_listed_once(runs: list[dict[str, Any]]) -> None:
    assert len({run["id"] for run in runs}) == len(runs) == RUNS


def test_the_rules_of_the_contract_hold(runs: list[dict[str, Any]]) -> None:
    check_runs(runs, datetime.now(UTC))
    statuses = Counter(run["status"] for run in runs)
    assert statuses["RUNNING"] == 1
    assert min(statuses["PENDING"], statuses["COMPLETED"], statuses["FAILED"]) >= 5


def test_definitions_bounds_hold_in_every_snapshot(runs: list[dict[str, Any]]) -> None:
    for run in runs:
        snapshot = run["run_snapshot"]
        assert 60 <= snapshot["max_run_duration_seconds"] <= 86400
        assert 1 <= len(snapshot["workflow_name"]) <= 255
        assert all(1 <= len(snapshot[name]) <= 20 for name in ("sources", "instructions", "outputs"))
        assert {path["part_type"] for path in snapshot["outputs"]} == {"FOLDER"}
        assert snapshot["template"] is None or snapshot["template"]["part_type"] == "DOCUMENT_VERSION"
        if run["completed_at"] and run["status"] == "COMPLETED":
            took = datetime.fromisoformat(run["completed_at"]) - datetime.fromisoformat(run["started_at"])
            assert took <= timedelta(seconds=snapshot["max_run_duration_seconds"])


def test_the_seed_covers_all_variants(runs: list[dict[str, Any]]) -> None:
    snapshots = [run["run_snapshot"] for run in runs]
    assert {snapshot["template"] is None for snapshot in snapshots} == {True, False}
    assert {path["part_type"] for snapshot in snapshots for path in snapshot["sources"]} == {
        "FOLDER",
        "DOCUMENT",
        "DOCUMENT_VERSION",
        "SECTION",
        "CHUNK",
        "THREAD",
        "THREAD_MESSAGE",
        "WORKFLOW_DEFINITION",
        "WORKFLOW_RUN",
    }
    assert max(len(snapshot["sources"]) for snapshot in snapshots) == 20
    assert max(len(snapshot["workflow_name"]) for snapshot in snapshots) == 255
    assert not all(snapshot["workflow_name"].isascii() for snapshot in snapshots)
    assert max(len(run["error"] or "") for run in runs) == 8192
    assert len({run["error"] for run in runs}) >= 4


def rows(server: ReferenceServer) -> list[list[Any]]:
    """Return the stored runs, with times as distances from the newest, because they depend on the start."""
    with Session(server.engine) as session:
        found = session.scalars(select(Run).order_by(Run.sequence)).all()
        newest = max(run.updated_at for run in found)
        values = [[getattr(run, name) for name in COLUMNS] for run in found]
    return [[newest - value if isinstance(value, datetime) else value for value in row] for row in values]


def test_the_seed_is_the_same_on_every_start() -> None:
    first, second = ReferenceServer(), ReferenceServer()
    assert rows(first) == rows(second)
    first.close()
    second.close()


@pytest.mark.parametrize("count", [0, 1, 2, 7, 300])
def test_the_number_of_runs_is_a_parameter(count: int) -> None:
    server = ReferenceServer(runs=count)
    with Session(server.engine) as session:
        of_definition = Run.workflow_definition_id == uuid.UUID(DEFINITION_ID)
        statuses = session.scalars(select(Run.status).where(of_definition)).all()
    server.close()
    assert len(statuses) == count
    assert statuses.count("RUNNING") == min(count, 1)


def test_a_page_and_its_total_are_consistent(database_url: str) -> None:
    """Another connection tries to delete a run before each query of a page: total, first run, runs."""
    server = ReferenceServer(database_url, runs=40)
    attempts: list[str] = []

    def delete_one(connection: object, cursor: object, statement: str, *_: object) -> None:
        is_total = statement.startswith(f"SELECT workflow_definitions.{Definition.runs.key} ")
        if not is_total and ("FROM workflow_runs" not in statement or statement.startswith("DELETE")):
            return
        newest = select(Run.sequence).where(Run.status == "PENDING").order_by(Run.sequence.desc()).limit(1)
        try:
            with server.engine.begin() as other:
                if other.dialect.name == "sqlite":
                    # Do not wait for the request, which waits for this deletion.
                    other.exec_driver_sql("PRAGMA busy_timeout = 0")
                other.execute(delete(Run).where(Run.sequence == newest.scalar_subquery(), Run.status == "PENDING"))
            attempts.append("deleted")
        except OperationalError:
            attempts.append("locked out")

    event.listen(server.engine, "before_cursor_execute", delete_one)
    with running(server) as base_url, (client := Client(base_url)).http:
        page = client.request("limit=30&offset=15").json()
        assert len(attempts) == 3
        # In memory, a writer waits for readers.
        assert set(attempts) == {"locked out" if database_url == "sqlite://" else "deleted"}
        assert (page["total"], len(page["items"])) == (40, 25)
        if "deleted" in attempts:
            assert client.request("offset=99").json()["total"] == 37


def test_concurrent_readers_and_a_writer_do_not_disturb_each_other(database_url: str) -> None:
    server = ReferenceServer(database_url, runs=30)
    stop = threading.Event()

    def touch() -> None:
        while not stop.is_set():
            with Session(server.engine) as session, session.begin():
                session.execute(update(Run).values(error=Run.error))

    with running(server) as base_url, ThreadPoolExecutor() as pool:
        writer = pool.submit(touch)
        try:
            client = Client(base_url)
            with client.http:
                answers = list(pool.map(client.request, ["limit=10"] * 40))
        finally:
            stop.set()
        writer.result()
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[0].json()["total"] == 30


def test_a_lock_that_is_not_released_in_time_is_a_503(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_MS", 50)
    server = ReferenceServer(database_url, runs=3)
    on_sqlite = server.engine.dialect.name == "sqlite"
    with running(server) as base_url, (client := Client(base_url)).http, server.engine.connect() as holder:
        if on_sqlite:
            # In a file, readers are not blocked by a writer unless it locks the file exclusively.
            holder.exec_driver_sql("PRAGMA locking_mode = EXCLUSIVE")
            holder.execute(update(Run).values(error=Run.error))
        else:
            holder.exec_driver_sql("LOCK TABLE workflow_runs IN ACCESS EXCLUSIVE MODE")
        response = client.request()
        assert response.status_code == 503
        assert response.json() == {"detail": "The resource is locked, try again"}
        holder.rollback()
        if on_sqlite:
            holder.exec_driver_sql("PRAGMA locking_mode = NORMAL")
            holder.execute(select(User))
            holder.rollback()
        assert client.request().status_code == 200


def count(session: Session) -> tuple[int, int]:
    """Return the stored and the counted number of runs of DEFINITION_ID."""
    definition = uuid.UUID(DEFINITION_ID)
    stored = session.scalars(select(Definition.runs).where(Definition.id == definition)).one()
    return stored, session.scalars(select(func.count()).where(Run.workflow_definition_id == definition)).one()


def test_the_database_updates_the_total(database_url: str) -> None:
    server = ReferenceServer(database_url, runs=12)
    with Session(server.engine) as session:
        assert count(session) == (12, 12)
        # Several at once, none, and of several definitions; in SQL, so that the ORM is not involved.
        for condition, left in (("sequence > 8", 8), ("sequence > 8", 8), ("sequence < 3", 6)):
            session.execute(text(f"DELETE FROM workflow_runs WHERE {condition}"))
            assert count(session) == (left, left)
        session.rollback()
        assert count(session) == (12, 12)
    server.close()


def test_the_database_refuses_a_second_running_run(database_url: str) -> None:
    server = ReferenceServer(database_url, runs=12)
    with Session(server.engine) as session, pytest.raises(IntegrityError):
        session.execute(update(Run).values(status="RUNNING"))
    server.close()
