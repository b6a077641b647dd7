"""Tests of the program with the client's testing kit: a fake server that follows the API's contract."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from app._vendor.ks_workflow_runs import errors, testing

from app.failed_runs import print_failed_runs


@pytest.fixture
def server() -> Iterator[testing.FakeServer]:
    with testing.FakeServer() as server:
        yield server


@pytest.fixture
def definition(server: testing.FakeServer) -> UUID:
    return server.add_definition()


def printed(
    server: testing.FakeServer, definition: UUID, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    with server.client() as client:
        print_failed_runs(client, str(definition))
    return capsys.readouterr().out.splitlines()


def test_prints_the_failed_runs(
    server: testing.FakeServer, definition: UUID, capsys: pytest.CaptureFixture[str]
) -> None:
    server.add_runs(definition, 150, status="COMPLETED")
    [run] = server.add_runs(definition, status="FAILED", error="out of paper")
    assert printed(server, definition, capsys) == [
        f"{run.created_at} {run.id} out of paper"
    ]


def test_waits_when_the_quota_is_exceeded(
    server: testing.FakeServer, definition: UUID, capsys: pytest.CaptureFixture[str]
) -> None:
    server.add_runs(definition, 3, status="FAILED")
    server.next(429, retry_after=30)
    assert len(printed(server, definition, capsys)) == 3
    # On the server's clock: the test did not wait.
    assert server.elapsed == 30
    assert [request.status for request in server.requests] == [429, 200]


def test_misses_nothing_while_the_list_changes(
    server: testing.FakeServer, definition: UUID, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = server.add_runs(definition, 250, status="FAILED")
    server.before(2, lambda: server.delete_run(runs[0]))
    server.before(3, lambda: server.invoke(definition))
    assert len(printed(server, definition, capsys)) == 250


def test_accepts_a_status_of_a_later_version(
    server: testing.FakeServer, definition: UUID, capsys: pytest.CaptureFixture[str]
) -> None:
    server.add_runs(definition, 3, status="FAILED")
    server.next_later(status="CANCELLED", cancelled_by="someone")
    assert len(printed(server, definition, capsys)) == 2


def test_an_expired_token_is_an_error(
    server: testing.FakeServer, definition: UUID, capsys: pytest.CaptureFixture[str]
) -> None:
    server.add_runs(definition, 250)
    server.before(2, server.revoke)
    with pytest.raises(errors.AuthenticationError):
        printed(server, definition, capsys)
