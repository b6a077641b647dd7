"""The list changes as in a deployment, and every visible state obeys the rules."""

import random
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.contract_run.conftest import OURS, Command, contract, environment
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.churn import Churn
from tests.reference_server.seed import DEFINITION_ID, GRACE_SECONDS
from tests.reference_server.uvicorn_server import running
from tests.server.client import Client
from tests.server.rules import Run, check_page, parse_field_time

__all__ = ["contract", "environment"]

ENDED = {"COMPLETED", "FAILED"}
LATER = {"PENDING": {"RUNNING"} | ENDED, "RUNNING": ENDED}
# The statuses of a whole list, newest first. Runs are pending only while one is running.
WHOLE_LIST = re.compile("(P*R)?[CF]*")

# Without SQLite files, to save time: there, as on PostgreSQL, readers and writers do not block each other.
BOTH = pytest.mark.parametrize("database_url", ["memory", "postgresql"], indirect=True)


# Enough to see each kind of change.
CHANGES, PAGES = 240, 300


def states(server: ReferenceServer, seed: str, days: int = 0) -> Iterator[list[Run]]:
    """Yield the whole list after each change, `days` from now. Changes are two seconds apart, and many runs hang."""
    now = datetime.now(UTC) + timedelta(days)

    def clock() -> datetime:
        nonlocal now
        now += timedelta(seconds=2)
        return now

    churn = Churn(server.engine, seed, clock)
    churn.hang_interval = 10
    parameters = Parameters(uuid.UUID(DEFINITION_ID), 100, 0)
    while True:
        with Session(server.engine) as session:
            page = server.render_page(*server.load_page(session, parameters), parameters)
        check_page(page, 100, 0, now)
        assert page["total"] <= 100
        yield page["items"]
        churn.change()


def change_between(before: list[Run], after: list[Run]) -> str:
    """Return the change between two states of the list. Checks that nothing else changed."""
    old, new = ({run["id"]: run for run in runs} for runs in (before, after))
    if added := new.keys() - old.keys():
        assert after[1:] == before
        assert after[0]["status"] == ("PENDING" if any(run["status"] == "RUNNING" for run in before) else "RUNNING")
        assert len(added) == 1
        return "invoked"
    if removed := old.keys() - new.keys():
        [run] = [old[name] for name in removed]
        assert run["status"] != "RUNNING"
        assert after == [other for other in before if other is not run]
        return f"deleted {run['status']}"
    changed = [(run, new[run["id"]]) for run in before if run != new[run["id"]]]
    (was, ended), *started = reversed(changed)
    assert (was["status"], ended["status"] in ENDED) == ("RUNNING", True)
    waiting = [run for run in before if run["status"] == "PENDING"]
    assert [run for run, _ in started] == waiting[-1:]
    assert all(run["status"] == "RUNNING" and run["started_at"] == ended["completed_at"] for _, run in started)
    took = parse_field_time(ended, "completed_at") - parse_field_time(ended, "started_at")
    longest = ended["run_snapshot"]["max_run_duration_seconds"]
    if "maximum duration" in (ended["error"] or ""):
        assert took > timedelta(seconds=longest + GRACE_SECONDS)
        return "timed out"
    assert took <= timedelta(seconds=longest)
    return str(ended["status"])


@BOTH
def test_each_change_is_plausible(database_url: str) -> None:
    server = ReferenceServer(database_url, runs=30)
    seen = Counter(change_between(*pair) for pair in pairwise(islice(states(server, "1"), CHANGES)))
    server.close()
    kinds = {"invoked", "COMPLETED", "FAILED", "timed out", "deleted PENDING", "deleted COMPLETED", "deleted FAILED"}
    assert seen.keys() == kinds


def test_an_empty_list_grows() -> None:
    server = ReferenceServer(runs=0)
    lists = list(islice(states(server, "1"), 100))
    server.close()
    assert lists[0] == []
    assert max(map(len, lists)) > 10


def test_the_same_seed_makes_the_same_changes() -> None:
    identifiers = []
    for seed in ("1", "1", "2"):
        server = ReferenceServer(runs=30)
        identifiers.append([[run["id"] for run in runs] for runs in islice(states(server, seed), 50)])
        server.close()
    assert identifiers[0] == identifiers[1] != identifiers[2]


def test_a_used_database_continues_with_new_ids(tmp_path: Path) -> None:
    seen: set[str] = set()
    for days in range(2):
        server = ReferenceServer(f"sqlite:///{tmp_path}/runs.db", runs=30)
        for before, after in pairwise(islice(states(server, "1", days), 50)):
            added = {run["id"] for run in after} - {run["id"] for run in before}
            assert not added & seen
            seen |= added
        server.close()


@BOTH
def test_many_pages_while_the_list_changes(database_url: str) -> None:
    server = ReferenceServer(database_url, runs=25, churn=100)
    rng = random.Random(1)
    # The last state of each run.
    known: dict[str, Run] = {}
    statuses: set[str] = set()
    lists: list[list[str]] = []
    with running(server) as base_url, (client := Client(base_url)).http:
        for number in range(PAGES):
            whole = number % 4 == 0
            limit, offset = (100, 0) if whole else (rng.randint(1, 20), rng.randint(0, 40))
            page = client.request(f"limit={limit}&offset={offset}").json()
            check_page(page, limit, offset, datetime.now(UTC), known)
            for run in page["items"]:
                before = known.setdefault(run["id"], run)
                assert run == before or run["status"] in LATER[before["status"]]
                known[run["id"]] = run
                statuses.add(run["status"])
            if whole:
                assert page["total"] <= 100
                assert WHOLE_LIST.fullmatch("".join(run["status"][0] for run in page["items"]))
                lists.append([run["id"] for run in page["items"]])
    gone: set[str] = set()
    for earlier, later in pairwise(lists):
        gone |= set(earlier) - set(later)
        assert not gone & set(later)
        assert [name for name in earlier if name in later] == [name for name in later if name in earlier]
    # True on a machine of any speed.
    assert len(known) > 30 and gone
    assert statuses == {"PENDING", "RUNNING"} | ENDED


@pytest.mark.full
def test_the_contract_run_finds_no_violation(new_postgresql: Callable[[], str], contract: Command) -> None:
    # On one database: the tests above show that both change alike.
    result = contract(*OURS, DATABASE_URL=new_postgresql(), CHURN="20")
    assert result.returncode == 0, result.stdout + result.stderr
    # The list did change: requests were resent in addition to those of the phases.
    made = sum(int(number) for number in re.findall(r" done: (\d+) requests", result.stdout))
    sent = re.search(r"^requests +(\d+)", result.stdout, re.MULTILINE)
    assert "CONFORMS" in result.stdout and sent and int(sent[1]) > made > 0
