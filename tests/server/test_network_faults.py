"""Network faults: each affects one request and not the next."""

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice

import httpx2
import pytest

from tests.reference_server.network_faults import (
    KINDS,
    Dropped,
    Fault,
    HtmlPage,
    Latency,
    Locked,
    QuotaExceeded,
    Truncated,
    random_faults,
)
from tests.reference_server.uvicorn_server import running
from tests.server.client import Client


def answers(faults: Iterable[Fault | None], number: int) -> list[httpx2.Response]:
    """Return the responses to `number` requests. The last one must be a page."""
    with running(faults=faults) as base_url, (client := Client(base_url)).http:
        found = [client.request() for _ in range(number)]
    assert found[-1].json()["total"] == 137
    return found


def test_refusals_are_the_contracts_own() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    # `request` validates each against the contract.
    seconds, date, locked, _ = answers([QuotaExceeded(7), QuotaExceeded(60, as_date=True), Locked()], 4)
    assert (seconds.status_code, seconds.headers["retry-after"]) == (429, "7")
    assert date.status_code == 429
    assert (parsedate_to_datetime(date.headers["retry-after"]) - before).total_seconds() >= 60
    assert date.headers["retry-after"].endswith(" GMT")
    assert locked.status_code == 503


@pytest.mark.parametrize("status", [502, 200])
def test_a_page_of_html(status: int) -> None:
    with running(faults=[HtmlPage(status)]) as base_url:
        response = httpx2.get(base_url, trust_env=False)
    assert (response.status_code, response.headers["content-type"]) == (status, "text/html")
    assert response.text.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (Dropped(), httpx2.RemoteProtocolError, "without sending a response"),
        (Truncated(), httpx2.RemoteProtocolError, "without sending complete message body"),
        (Latency(0.5), httpx2.ReadTimeout, "timed out"),
    ],
    ids=["dropped", "truncated", "late"],
)
def test_no_answer_or_half_of_one(fault: Fault, error: type[Exception], message: str) -> None:
    with running(faults=[fault]) as base_url, (client := Client(base_url)).http:
        client.http.timeout = httpx2.Timeout(30, read=0.1 if isinstance(fault, Latency) else 30)
        with pytest.raises(error, match=message):
            client.request()
        client.http.timeout = httpx2.Timeout(30)
        assert client.request().status_code == 200


def test_a_late_answer_is_an_answer() -> None:
    assert [response.status_code for response in answers([Latency(0.01)], 2)] == [200, 200]


def test_random_faults_are_the_same_for_the_same_seed() -> None:
    first, second, other = (list(islice(random_faults(seed, 0.4), 200)) for seed in (1, 1, 2))
    assert first == second != other
    assert set(first) == {None, *KINDS}
    assert set(islice(random_faults(1, 0), 50)) == {None}
