"""Whether a server can be tested at all, and how many runs there are; each problem told with what to do about it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import requests

from .contract import Problem
from .exchange import NoAnswer, root_cause
from .session import Ended, Session
from .target import OPERATION, Target

# Larger ones are no number of runs; nor can offsets be made of them.
LARGEST_TOTAL = 2**53


def preflight(target: Target, session: Session) -> Target:
    """Finds out whether a server can be tested, and how many runs there are. Raises Problem if it cannot be.

    An answer that breaks the contract is no reason: the tests will tell.
    """
    try:
        return replace(target, totals=count_runs(target, session))
    except Ended as ended:
        raise Problem(f"nothing could be tested: {ended}", "give it more time: MAX_TIME") from ended


def count_runs(target: Target, session: Session) -> dict[str, int]:
    """By definition, as far as the server says."""
    totals: dict[str, int] = {}
    for name, value in target.secrets.items():
        for definition in target.readable:
            response = ask(target, {name: value}, definition)
            if session.failure is not None:
                check_failure(target, session.failure)
                # The tests will tell; each further request might cost as much time.
                return totals
            check_answer(target, name, response, definition)
            page = read_object(response)
            if response.status_code != 200 or page is None:
                continue
            total = page.get("total")
            if page.get("items") == [] and total == 0 and definition in target.definitions:
                raise Problem(
                    f"the definition {definition} has no runs, so no page with runs can ever be seen",
                    "give the DEFINITION_ID of one that has runs, or invoke this one first"
                    if target.is_deployment
                    else "give the reference server some: SEED_RUNS=1 or more",
                )
            if definition in target.empty and runs_of(page, definition):
                raise Problem(
                    f"the definition {definition}, given as EMPTY_DEFINITION_ID, has runs",
                    "give the id of one that has none, or leave it out",
                )
            if isinstance(total, (int, float)) and 0 <= total <= LARGEST_TOTAL:
                totals[definition] = int(total)
    return totals


def runs_of(page: dict[str, Any], definition: str) -> bool:
    """Whether there is a run of that definition; one of another definition is the server's fault."""
    items = page.get("items")
    runs = [run for run in items if isinstance(run, dict)] if isinstance(items, list) else []
    return any(str(run.get("workflow_definition_id")).lower() == definition for run in runs)


def check_failure(target: Target, failure: NoAnswer) -> None:
    """Raises Problem where there is no server, as far as can be told. To say too much, or slowly, is a fault."""
    if failure.is_silent:
        raise Problem(
            f"{target.base_url} gave no answer within {target.answer_within} seconds",
            "check that BASE_URL is right, that the server runs, and that no firewall is in between",
        )
    if not (failure.is_late or failure.is_large):
        raise Problem(
            f"{target.base_url} cannot be tested: {failure}", "check that BASE_URL is right and that the server runs"
        )


def ask(target: Target, secrets: Mapping[str, str], definition_id: str) -> requests.Response:
    url = target.base_url + OPERATION.format(definition_id)
    try:
        return requests.get(
            url,
            params={"limit": 1},
            headers={"Authorization": f"Bearer {secrets['TOKEN']}"} if "TOKEN" in secrets else {},
            cookies={"ks_uat": secrets["KS_UAT"]} if "KS_UAT" in secrets else {},
            allow_redirects=False,
        )
    except requests.exceptions.SSLError as error:
        raise Problem(
            f"no secure connection to {target.base_url}: {root_cause(error)}",
            "for a private CA, name its certificate: REQUESTS_CA_BUNDLE=/path/to/ca.pem; a server without TLS has a "
            "BASE_URL that begins with http://",
        ) from error
    # The library's own errors are OSErrors; so is a CA file that does not exist.
    except (OSError, ValueError) as error:
        raise Problem(
            f"{target.base_url} cannot be reached: {root_cause(error)}",
            "check that BASE_URL is right and that the server runs",
        ) from error


def read_object(response: requests.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def check_answer(target: Target, name: str, response: requests.Response, definition: str) -> None:
    """Raises Problem unless the answer is a page, or breaks the contract."""
    status = response.status_code
    body = read_object(response)
    right_address = "give what comes before /v1 in the API's addresses: BASE_URL=https://host.example/api"
    if status == 401:
        raise Problem(
            f"{target.base_url} refuses the credentials in {name} (401)",
            f"give valid ones as {name}: not expired, not revoked, and of this deployment",
        )
    if status == 403:
        raise Problem(
            f"the credentials in {name} may not read the definition {definition} (403)",
            "give credentials that may, or the DEFINITION_ID of another definition",
        )
    if status == 429:
        raise Problem(
            "the quota is exceeded already (429)", f"wait; the server says {response.headers.get('Retry-After')} s"
        )
    if status in (502, 503, 504):
        raise Problem(
            f"{target.base_url} says that the API is not available at the moment ({status})",
            "wait, or see to the server, and run this again",
        )
    if 300 <= status < 400:
        place = urlsplit(response.headers.get("Location", ""))._replace(query="", fragment="").geturl()
        raise Problem(f"{target.base_url} is not the API: it redirects to '{place}' ({status})", right_address)
    if status == 404 and knows_operation(target, name, definition):
        raise Problem(
            f"there is no definition {definition} (404), or the credentials in {name} are another tenant's",
            "check DEFINITION_ID, and that the definition, BASE_URL and the credentials belong together",
        )
    is_json = "json" in response.headers.get("Content-Type", "").lower()
    other_page = status == 200 and body is not None and not {"items", "total", "limit", "offset"} & body.keys()
    if status == 404 or other_page or (status < 500 and not is_json and body is None):
        kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
        raise Problem(f"{target.base_url} answers, but is not the API ({status}, {kind})", right_address)


def knows_operation(target: Target, name: str, definition: str) -> bool:
    """Whether a 404 is about the definition; an address where there is no API says 404 as well, to anything."""
    malformed = ask(target, {name: target.secrets[name]}, definition_id="malformed")
    return malformed.status_code == 422 or ask(target, {}, definition).status_code == 401
