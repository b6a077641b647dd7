"""Whether shared caches may store a response (RFC 9111)."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..interaction import Interaction
from .base import Violation, check

DIRECTIVE = re.compile(r"""([\w!#$%&'*+.^`|~-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s,"]*))?""", re.ASCII)
# With any of these, a shared cache does not store the response, or revalidates it before each use.
NOT_SHARED = {"private", "no-store", "no-cache"}
# Directives that let a shared cache store the response to a request with Authorization (section 3.5).
SHARED = {"public", "s-maxage", "must-revalidate"}

Headers = Mapping[str, Sequence[str]]
"""By name in lower case."""


@check
def kept_from_shared_caches(found: Interaction) -> bool | None:
    """No shared cache may store a response that depends on credentials and serve it to other clients."""
    operation, parsed = found.operation, found.parsed
    if not parsed.is_operation or not operation.refused("credentials") or not found.is_documented:
        return True
    if found.status in operation.transient_statuses | parsed.early_statuses:
        return True
    # A credential in the URL is part of the cache key.
    if any(each.place == "query" and each.name in parsed.texts for each in operation.credentials):
        return True
    names = {each.name.lower() if each.place == "header" else each.place for each in operation.credentials}
    sent = {name.lower() for name in found.response.request.headers}
    if why := why_shareable(found.response.headers, names & sent or names, "authorization" in sent):
        raise Violation(
            f"shared caches may store the {found.status} for a request with {parsed.kind_of_credentials} and give it "
            f"to anybody: {why}"
        )
    return None


def why_shareable(headers: Headers, credentials: set[str], is_authorized: bool, now: datetime | None = None) -> str:
    """Return the headers that let a shared cache serve the response to anybody; empty where that is not certain.

    Args:
        headers: Headers of the response.
        credentials: Names in lower case of the request headers that hold, or would hold, the credentials.
        is_authorized: True if the request has Authorization, which makes storing subject to further conditions.
        now: The current time, used if the response has no Date.
    """
    given = directives(headers)
    varies = {name.strip().lower() for text in headers.get("vary", ()) for name in text.split(",")}
    if NOT_SHARED & given.keys() or varies & {"*", *credentials}:
        return ""
    if is_authorized and not SHARED & given.keys():
        return ""
    seconds = lifetime(given, headers, now or datetime.now(UTC))
    if seconds is None and "public" not in given:
        # A cache may use a heuristic lifetime, but need not.
        return ""
    if seconds is not None and seconds <= age(headers):
        return ""
    names = ("cache-control", "expires", "vary")
    return ", ".join(f"{name.title()}: {', '.join(headers[name])}" for name in names if headers.get(name))


def directives(headers: Headers) -> dict[str, set[str]]:
    """Return the directives of Cache-Control in lower case, each with its values."""
    found: dict[str, set[str]] = {}
    for name, value in DIRECTIVE.findall(", ".join(headers.get("cache-control", ()))):
        found.setdefault(name.lower(), set()).add(value.strip('"'))
    return found


def lifetime(given: Mapping[str, set[str]], headers: Headers, now: datetime) -> float | None:
    """Return the freshness lifetime for shared caches in seconds (section 4.2.1); None if none is given."""
    for name in ("s-maxage", "max-age"):
        if name in given:
            [text, *more] = given[name]
            # A malformed or contradictory lifetime may count as stale.
            return int(text) if not more and re.fullmatch("[0-9]{1,12}", text, re.ASCII) else 0
    moments = [moment(text) for text in headers.get("expires", ())]
    if not moments:
        return None
    made = next((found for found in map(moment, headers.get("date", ())) if found), now)
    return min((each - made).total_seconds() if each else 0 for each in moments)


def age(headers: Headers) -> int:
    return max((int(text) for text in headers.get("age", ()) if re.fullmatch("[0-9]{1,12}", text, re.ASCII)), default=0)


def moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
