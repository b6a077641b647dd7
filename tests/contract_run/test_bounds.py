"""Whatever a server sends, the run ends, in bounded memory, and reports what was wrong with which request."""

import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.reference_server import seed

from . import measured as measuring
from .hostile import ENDLESS, LARGE, MIB, SLOW, Answer, hostile, page

MEGABYTES = 300

Contract = Callable[..., subprocess.CompletedProcess[str]]


Measured = Callable[..., dict[str, Any]]


@pytest.fixture
def measured(fresh: ProcessPoolExecutor) -> Measured:
    """Calls a function in a new process, and adds its peak memory."""
    return lambda *arguments: fresh.submit(measuring.measured, *arguments).result(timeout=240)


def test_every_response_is_bounded_as_a_whole(measured: Measured) -> None:
    answers = [*ENDLESS.items(), *LARGE.items(), *SLOW.items()]
    with hostile({number: answer for number, (_, answer) in enumerate(answers, 1)}) as (base_url, _):
        found = measured(measuring.ask, base_url, len(answers))
    told = {name: (status, reason) for (name, _), (status, reason, _) in zip(answers, found["answers"], strict=True)}
    assert all(status == 0 for status, _ in told.values()), told
    expected = r"more than \d+|within 1 s|exceeded maximum|not HTTP"
    assert not [reason for _, reason in told.values() if not re.search(expected, reason)]
    # On a busy machine, not even a first byte may come in time.
    assert all("within 1 s" in told[name][1] for name in SLOW), told
    # One second, and what a busy machine adds.
    assert all(seconds < 20 for _, _, seconds in found["answers"]), found
    assert found["megabytes"] < MEGABYTES


@pytest.mark.full
def test_a_large_response_is_read_to_its_end(measured: Measured) -> None:
    body = b'{"items": [], "total": 0, "limit": 1, "offset": 0}' + b" " * (15 * MIB)
    with hostile({0: page(body)}) as (base_url, _):
        assert measured(measuring.ask, base_url, 2)["answers"][0][:2] == [200, "OK"]


def test_the_run_continues_after_each_failure(measured: Measured, tmp_path: Path) -> None:
    faults = [ENDLESS["body"], SLOW["body"], LARGE["levels"], SLOW["headers"], LARGE["gzip bomb"], LARGE["digits"]]
    # None of these requests is one that a check sends for confirmation.
    with hostile({19 * number: fault for number, fault in enumerate(faults, 1)}) as (base_url, server):
        found = measured(measuring.measure, base_url, str(tmp_path))
    assert not found["errors"] and not found["ended_early"] and len(server.requests) > 19 * len(faults)
    (finding,) = found["findings"]
    assert (finding["check"], finding["count"]) == ("no_answer", len(faults))
    assert finding["curl"].startswith("curl ") and base_url in finding["curl"]
    assert "more than 16777216 bytes" in finding["message"]
    assert found["megabytes"] < MEGABYTES


@pytest.mark.full
def test_too_many_failures_end_the_run(measured: Measured, tmp_path: Path) -> None:
    for fault in (ENDLESS["chunks"], SLOW["headers"]):
        good: dict[int, Answer | None] = dict.fromkeys(range(1, 30))
        with hostile({**good, 0: fault}) as (base_url, server):
            found = measured(measuring.measure, base_url, str(tmp_path))
        assert {finding["check"] for finding in found["findings"]} == {"no_answer"}
        assert "no complete response" in found["ended_early"]
        assert len(server.requests) < 36
        assert found["megabytes"] < MEGABYTES


def test_an_endless_response_to_the_preflight_is_a_violation(contract_on: Contract) -> None:
    for fault in (ENDLESS["body"], LARGE["levels"]):
        with hostile({0: fault}) as (base_url, _):
            result = contract_on(base_url)
        assert result.returncode == 1, result.stdout + result.stderr
        assert re.search(r"no_answer.*\n(   .*\n)*   curl ", result.stdout)


@pytest.mark.full
def test_max_time_ends_the_run_in_any_state(contract_on: Contract) -> None:
    """A slow response to the preflight and later, a wait for Retry-After, and a wait for the rate."""
    later = b"HTTP/1.1 503 Later\r\nRetry-After: 50\r\nContent-Length: 0\r\n\r\n"
    good: dict[int, Answer | None] = dict.fromkeys(range(1, 8))
    cases: list[tuple[dict[int, Any], dict[str, str]]] = [
        ({0: SLOW["headers"]}, {}),
        ({**good, 0: SLOW["body"]}, {}),
        ({**good, 0: lambda: iter([later])}, {}),
        ({}, {"RATE_LIMIT": "1/m"}),
    ]
    for answers, variables in cases:
        with hostile(answers) as (base_url, _):
            result = contract_on(base_url, MAX_TIME="2", **variables)
        assert result.returncode == 2, result.stdout + result.stderr
        assert "MAX_TIME (2 s) was over" in result.stderr


def test_max_answer_limits_the_size(contract_on: Contract) -> None:
    with hostile({}) as (base_url, _):
        result = contract_on(base_url, MAX_ANSWER="2000", DEFINITION_ID=seed.DEFINITION_ID)
    assert result.returncode == 1
    assert "the response has more than 2000 bytes" in result.stdout
