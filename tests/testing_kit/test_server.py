"""The kit's server, with the client."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

import ks_workflow_runs as ks
from ks_workflow_runs import errors, models, testing
from ks_workflow_runs.api.workflow_definitions import list_workflow_runs

NOW = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
# Without retries, only scripted waits advance the clock.
NO_RETRY = ks.Retry(max_retries=0)


@pytest.fixture
def server() -> Iterator[testing.FakeServer]:
    with testing.FakeServer(now=NOW) as server:
        yield server


@pytest.fixture
def definition(server: testing.FakeServer) -> uuid.UUID:
    return server.add_definition()


def read(server: testing.FakeServer, definition: uuid.UUID, **arguments: Any) -> list[models.WorkflowRunResponse]:
    with server.client(**arguments) as client:
        return list(ks.iter_workflow_runs(client, definition, page_size=10))


# --- lists ---


def test_a_list_has_the_runs_that_were_added(server: testing.FakeServer, definition: uuid.UUID) -> None:
    runs = server.add_runs(definition, 37, seed=3)
    assert read(server, definition) == runs == server.runs(definition)

    async def under_asyncio() -> list[models.WorkflowRunResponse]:
        async with server.client() as client:
            return [run async for run in ks.aiter_workflow_runs(client, definition, page_size=10, concurrency=4)]

    assert asyncio.run(under_asyncio()) == runs
    with server.client() as client:
        page = list_workflow_runs.sync(definition, client=client, limit=5, offset=100)
        assert (page.items, page.total, page.limit, page.offset) == ([], 37, 5, 100)
        assert list(ks.iter_workflow_runs(client, definition, page_size=10, concurrency=4)) == runs


def test_another_definition_has_other_runs(server: testing.FakeServer, definition: uuid.UUID) -> None:
    server.add_runs(definition, 3)
    assert read(server, server.add_definition()) == []


# --- validation ---


def refused(call: Callable[[], object]) -> errors.StatusError:
    with pytest.raises(errors.StatusError) as raised:
        call()
    return raised.value


def test_requests_are_validated_in_the_order_of_the_contract(server: testing.FakeServer, definition: uuid.UUID) -> None:
    unknown = uuid.UUID(int=5)
    good, bad = {"Authorization": f"Bearer {server.token}"}, {"Authorization": "Bearer nonsense"}
    server.forbid(definition)
    with httpx2.Client(base_url=server.base_url, transport=server.transport) as http:

        def status(path: str, headers: dict[str, str]) -> int:
            return http.get(path, headers=headers).status_code

        def runs(id_: object) -> str:
            return f"/v1/workflow-definitions/{id_}/runs"

        assert status(f"{runs(unknown)}?limit=0", bad) == 401
        assert status(f"{runs(unknown)}?limit=0", {}) == 401
        assert status(f"{runs(unknown)}?limit=0", good) == 422
        assert status(runs("x"), good) == 422
        assert status(runs(unknown), good) == 404
        assert status(runs(definition), good) == 403
        assert status("/elsewhere", good) == 404
        for text in ("5", "100", "1"):
            assert status(f"{runs(unknown)}?limit={text}", good) == 404
        for text in ("", "101", "1e1", "05", "x", "5&limit=5", "9" * 5000):
            assert status(f"{runs(unknown)}?limit={text}", good) == 422
        answer = http.put(runs(unknown), headers=good)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
        head = http.head(runs(server.add_definition()), headers=good)
        assert (head.status_code, head.content) == (200, b"")


def test_credentials_can_be_revoked_and_forbidden(server: testing.FakeServer, definition: uuid.UUID) -> None:
    other = server.add_token()
    server.forbid(definition, other)
    assert isinstance(refused(lambda: read(server, definition, token=other)), errors.PermissionDeniedError)
    assert read(server, definition, ks_uat=server.token) == []
    server.revoke()
    assert isinstance(refused(lambda: read(server, definition)), errors.AuthenticationError)
    assert isinstance(refused(lambda: read(server, definition, ks_uat=server.token)), errors.AuthenticationError)


def test_faults_have_locations(server: testing.FakeServer, definition: uuid.UUID) -> None:
    path = f"/v1/workflow-definitions/{definition}/runs?limit=500&offset=-1"
    with httpx2.Client(base_url=server.base_url, transport=server.transport) as http:
        answer = http.get(path, headers={"Authorization": f"bearer {server.token}"})
    faults = models.HTTPValidationError.model_validate_json(answer.content).detail
    assert [(fault.loc, fault.msg, fault.type) for fault in faults] == [
        (["query", "limit"], "must be at most 100", "maximum"),
        (["query", "offset"], "must be at least 0", "minimum"),
    ]


# --- changes ---


def test_runs_can_be_invoked_and_ended(server: testing.FakeServer, definition: uuid.UUID) -> None:
    server.add_runs(definition, 3)
    run = server.invoke(definition)
    assert server.runs(definition)[0] == run
    assert (run.status, run.created_at, run.completed_at) == ("PENDING", NOW, None)
    server.advance(30)
    done = server.complete(run)
    assert (done.status, done.completed_at, done.updated_at) == ("COMPLETED", server.now, server.now)
    assert (done.created_at, done.run_snapshot) == (run.created_at, run.run_snapshot)
    failed = server.fail(server.invoke(definition).id, error="out of paper")
    assert (failed.status, failed.error) == ("FAILED", "out of paper")
    with pytest.raises(ValueError, match="Once a run has ended"):
        server.fail(done)
    server.delete_run(done)
    with pytest.raises(ValueError, match="runs have no such item"):
        server.complete(done)
    assert failed in server.runs(definition)


def test_a_deleted_run_does_not_come_back(server: testing.FakeServer, definition: uuid.UUID) -> None:
    seen = set[uuid.UUID]()
    for _ in range(20):
        run = server.invoke(definition)
        server.delete_run(run)
        assert run.id not in seen
        seen.add(run.id)
    with pytest.raises(ValueError, match="'id' must be new"):
        server.add_runs(definition, id=run.id)


def test_rules_about_the_whole_list_are_enforced(server: testing.FakeServer, definition: uuid.UUID) -> None:
    [running] = server.add_runs(definition, status="RUNNING")
    message = "^At most one run of a definition is `RUNNING`."
    with pytest.raises(ValueError, match=message):
        server.add_runs(definition, status="RUNNING")
    with pytest.raises(ValueError, match=message):
        server.change_run(server.invoke(definition), status="RUNNING")
    server.add_runs(definition, 100)
    assert [run for run in server.runs(definition) if run.status == "RUNNING"] == [running]
    server.add_runs(server.add_definition(), status="RUNNING")


def test_the_list_changes_before_a_request(server: testing.FakeServer, definition: uuid.UUID) -> None:
    runs = server.add_runs(definition, 35)
    server.before(2, lambda: server.delete_run(runs[0]))
    server.before(3, lambda: server.invoke(definition))
    server.before(3, lambda: server.invoke(definition))
    found = read(server, definition)
    # Runs that are in the list from start to end are yielded once.
    assert [run for run in found if run in runs[1:]] == runs[1:]
    assert len(server.runs(definition)) == 36


# --- scripts ---


def test_retries_wait_on_the_clock_of_the_kit(server: testing.FakeServer, definition: uuid.UUID) -> None:
    runs = server.add_runs(definition, 5)
    server.next(429, retry_after=20)
    assert read(server, definition) == runs
    assert server.elapsed == 20
    assert [each.status for each in server.requests] == [429, 200]
    server.next(503, times=2)

    async def under_asyncio() -> models.WorkflowRunPage:
        async with server.client() as client:
            return await list_workflow_runs.asyncio(definition, client=client)

    assert asyncio.run(under_asyncio()).items == runs
    # Two random waits: between half and all of 0.5 s, and of 1 s.
    assert 20.75 <= server.elapsed <= 21.5


def test_retries_are_limited(server: testing.FakeServer, definition: uuid.UUID) -> None:
    server.next(429, retry_after=61)
    error = refused(lambda: read(server, definition))
    assert isinstance(error, errors.RateLimitError)
    assert (error.retry_after, server.elapsed) == (61, 0)
    server.next(503, times=6)
    assert refused(lambda: read(server, definition)).status_code == 503


@pytest.mark.parametrize("within_body", [False, True])
def test_connections_can_be_cut(server: testing.FakeServer, definition: uuid.UUID, within_body: bool) -> None:
    runs = server.add_runs(definition, 3)
    server.next_cut(within_body=within_body)
    assert read(server, definition) == runs
    server.next_cut(within_body=within_body, times=2)
    with pytest.raises(errors.ApiConnectionError, match="the connection was cut, as scripted"):
        read(server, definition, retry=NO_RETRY)

    async def under_asyncio() -> object:
        async with server.client(retry=NO_RETRY) as client:
            return await list_workflow_runs.asyncio(definition, client=client)

    with pytest.raises(errors.ApiConnectionError, match="the connection was cut, as scripted"):
        asyncio.run(under_asyncio())


def test_slow_responses_advance_the_clock_of_the_kit(server: testing.FakeServer, definition: uuid.UUID) -> None:
    server.next_slow(25)
    assert read(server, definition) == []
    assert server.elapsed == 25
    server.next_slow(31)
    with pytest.raises(errors.ApiTimeoutError):
        read(server, definition, retry=NO_RETRY)
    assert server.elapsed == 25 + 30
    # `Retry.total` ends the call as a whole.
    server.next_slow(25)
    with pytest.raises(errors.ApiTimeoutError):
        read(server, definition, retry=ks.Retry(total=20), timeout=None)
    assert server.elapsed == 25 + 30 + 20
    server.next_slow(25)
    server.next_slow(31)

    async def under_asyncio() -> object:
        async with server.client(retry=NO_RETRY) as client:
            assert (await list_workflow_runs.asyncio(definition, client=client)).items == []
            return await list_workflow_runs.asyncio(definition, client=client)

    with pytest.raises(errors.ApiTimeoutError):
        asyncio.run(under_asyncio())
    assert server.elapsed == 25 + 30 + 20 + 25 + 30


def test_bodies_can_be_malformed(server: testing.FakeServer, definition: uuid.UUID) -> None:
    server.next_malformed()
    with pytest.raises(errors.DecodingError):
        read(server, definition)


def test_responses_can_be_of_a_later_version(server: testing.FakeServer, definition: uuid.UUID) -> None:
    server.add_runs(definition, 3)
    server.next_later(status="CANCELLED", priority=3, times=2)
    run = read(server, definition)[0]
    assert (run.status, run.status.is_known) == ("CANCELLED", False)
    assert run.model_extra == {"priority": 3}
    with pytest.raises(errors.DecodingError, match="priority: WorkflowRunResponse has no such field"):
        read(server, definition, strict=True)


def test_scripts_that_did_not_happen_are_an_error() -> None:
    message = (
        r"^scripted, but did not happen within 0 requests: next\(429\), next_cut\(\), next_slow\(3\), "
        r"next_malformed\(\), next_later\(\), before\(3, \.\.\.\)$"
    )
    with pytest.raises(AssertionError, match=message), testing.FakeServer() as server:
        server.before(3, lambda: None)
        server.next(429)
        server.next_cut()
        server.next_slow(3)
        server.next_malformed()
        server.next_later(status="CANCELLED")
    # An earlier error says more.
    with pytest.raises(LookupError, match="first"), testing.FakeServer() as server:
        server.next(429)
        raise LookupError("first")


def test_impossible_scripts_are_an_error_in_the_test(server: testing.FakeServer, definition: uuid.UUID) -> None:
    server.next_later(status="CANCELLED")
    with pytest.raises(AssertionError, match="needs an answer with an item"):
        read(server, definition)
    server.before(2, lambda: server.delete_run(definition))
    with pytest.raises(AssertionError, match=r"the function of before\(2, \.\.\.\) failed: runs have no such item"):
        read(server, definition)


# --- recorded requests ---


def test_requests_are_recorded_without_credentials(server: testing.FakeServer, definition: uuid.UUID) -> None:
    read(server, definition, headers={"X-Trace": f"seen {server.token}"})
    [asked] = server.requests
    assert repr(asked) == f"<GET list_workflow_runs(definition_id='{definition}', limit=10, offset=0): 200>"
    assert asked.path == f"/v1/workflow-definitions/{definition}/runs"
    assert asked.params == {"definition_id": str(definition), "limit": 10, "offset": 0}
    assert asked.headers["authorization"] == "Bearer ***"
    assert server.token not in f"{asked.headers} {asked!r}"
    server.next_cut()
    with pytest.raises(errors.ApiConnectionError):
        read(server, definition, retry=NO_RETRY)
    assert repr(server.requests[-1]).endswith(": no answer>")


def test_an_address_may_have_a_prefix() -> None:
    server = testing.FakeServer(base_url="https://ks.example.com/api")
    definition = server.add_definition("6F1C2F0E-6C0B-4A58-9A3E-0D6F4C1B7A10")
    assert read(server, definition) == []
    assert server.requests[0].path == f"/v1/workflow-definitions/{definition}/runs"


# --- invalid arguments ---


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda server, _: server.next(200), "'status' must be an integer between 400 and 599 (got 200)"),
        (lambda server, _: server.next("429"), "'status' must be an integer between 400 and 599 (got '429')"),
        (
            lambda server, _: server.next(429, retry_after=-1),
            "'retry_after' must be an integer between 0 and 1000000 (got -1)",
        ),
        (lambda server, _: server.next(429, times=0), "'times' must be an integer between 1 and 1000 (got 0)"),
        (
            lambda server, _: server.next_slow(float("nan")),
            "'seconds' must be a number of seconds of at least 0 (got nan)",
        ),
        (lambda server, _: server.next_later(), "next_later() needs at least one field"),
        (lambda server, _: server.before(0, print), "'request' must be an integer between 1 and 1000000 (got 0)"),
        (lambda server, _: server.advance(-1), "'seconds' must be between 0 and 1e9 (got -1)"),
        (lambda server, _: server.revoke("x"), "'token' must be a valid token of this server, and not be revoked"),
        (lambda server, _: server.add_definition("x"), "'definition_id' must be a UUID (got 'x')"),
        (lambda server, id_: server.add_definition(id_), "'definition_id' must be new (got "),
        (lambda server, _: server.add_runs(uuid.UUID(int=1)), "'definition_id' must have been added"),
        (lambda server, id_: server.add_runs(id_, -1), "'count' must be an integer between 0 and 100000 (got -1)"),
        (lambda server, id_: server.add_runs(id_, True), "'count' must be an integer between 0 and 100000 (got True)"),
        (lambda server, id_: server.add_runs(id_, 2, id=id_), "'id' must be new: there is "),
        (
            lambda server, id_: server.add_runs(id_, workflow_definition_id=uuid.UUID(int=1)),
            "'workflow_definition_id' must be that of the list, ",
        ),
        (lambda server, _: server.forbid("nothing"), "there is no such item or resource: 'nothing'"),
        (lambda *_: testing.FakeServer(base_url="fake"), "'base_url' must be an address such as https"),
        (lambda server, _: server.complete("nothing"), "runs have no such item: 'nothing'"),
        (lambda server, _: server.delete_run(None), "runs have no such item: 'None'"),
        (lambda *_: testing.FakeServer(now=datetime(2026, 1, 1)), "'now' must have a time zone"),
        (lambda *_: testing.make_run(now=datetime(2026, 1, 1)), "'now' must have a time zone"),
    ],
)
def test_invalid_arguments_are_refused(
    server: testing.FakeServer, definition: uuid.UUID, call: Callable[[Any, Any], object], message: str
) -> None:
    with pytest.raises(ValueError) as raised:
        call(server, definition)
    assert str(raised.value).startswith(message)
    assert server.runs(definition) == []


# --- the package ---


def test_the_example_of_the_readme_passes(server: testing.FakeServer) -> None:
    readme = Path(ks.__file__).with_name("README.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(import pytest\n.*?)```", readme, re.DOTALL)
    program: dict[str, Any] = {}
    # The package may be a renamed copy.
    exec(example.replace("ks_workflow_runs", ks.__name__), program)
    tests = [each for name, each in program.items() if name.startswith("test_")]
    for test in tests:
        with testing.FakeServer() as another:
            test(another)
    assert len(tests) == 2


def test_importing_the_client_does_not_import_the_kit() -> None:
    program = (
        f"import sys, importlib, {ks.__name__} as ks; ks.AuthenticatedClient, ks.iter_workflow_runs, ks.models;"
        "importlib.import_module(ks.__name__ + '.api.workflow_definitions.list_workflow_runs');"
        "print([name for name in sys.modules if name.startswith(ks.__name__) and 'testing' in name])"
    )
    folder = Path(ks.__file__).parents[ks.__name__.count(".") + 1]
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
