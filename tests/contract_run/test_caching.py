"""What shared caches may store of a response (RFC 9111): reported only where it is certain."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.checks.caching import why_shareable

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER, EARLIER = "Thu, 01 Jan 2026 01:00:00 GMT", "Wed, 31 Dec 2025 23:00:00 GMT"
OPEN_TO_ALL = "public, max-age=60"


def is_open(is_authorized: bool = True, **headers: str | list[str]) -> bool:
    lists = {name.replace("_", "-"): value if isinstance(value, list) else [value] for name, value in headers.items()}
    names = {"authorization"} if is_authorized else {"cookie"}
    return bool(why_shareable(lists, names, is_authorized, NOW))


@pytest.mark.parametrize(
    "said",
    [
        *("public", "PUBLIC", OPEN_TO_ALL, "max-age=60, public", "s-maxage=1", "max-age=0, s-maxage=60"),
        *(
            "max-age=60, must-revalidate",
            'public, max-age="60"',
            "public,max-age=60,stale-while-revalidate=5",
            ",public,",
        ),
    ],
)
def test_directives_that_let_a_shared_cache_store_the_response(said: str) -> None:
    assert is_open(cache_control=said)
    assert is_open(is_authorized=False, cache_control=said)
    # Two header lines mean the same.
    assert is_open(cache_control=["no-transform", said])


@pytest.mark.parametrize(
    "said",
    [
        *("max-age=60", "must-revalidate", "proxy-revalidate, max-age=60", "max-age=60, immutable", ""),
        *("private, max-age=60", "no-store", "no-cache, public", "private", "public, private", "public, no-store"),
        *(
            "public, max-age=0",
            "s-maxage=0",
            "public, max-age=soon",
            "public, max-age=60, max-age=0",
            "public, max-age",
        ),
        *(
            "public, s-maxage=0, max-age=60",
            'private="set-cookie", public',
            "publicly",
            "max-age=-1, public",
            "x=public",
        ),
    ],
)
def test_directives_that_do_not_or_not_certainly(said: str) -> None:
    assert not is_open(cache_control=said)


def test_expires_date_and_age() -> None:
    # Of cookies RFC 9111 says nothing: a response with a lifetime may be stored.
    assert is_open(is_authorized=False, cache_control="max-age=60")
    assert is_open(is_authorized=False, expires=LATER)
    assert is_open(cache_control="public", expires=LATER)
    assert not is_open(expires=LATER)
    assert not is_open(is_authorized=False)
    assert not is_open(is_authorized=False, expires=EARLIER)
    assert not is_open(is_authorized=False, expires="0")
    assert not is_open(is_authorized=False, expires=LATER, date=LATER)
    assert not is_open(is_authorized=False, expires=[LATER, EARLIER])
    assert not is_open(cache_control=OPEN_TO_ALL, age="60")
    assert is_open(cache_control=OPEN_TO_ALL, age="59")


@pytest.mark.parametrize("varies", ["*", "Authorization", "Accept, AUTHORIZATION", ["Accept", "authorization"]])
def test_vary_by_the_credential_protects_the_response(varies: str | list[str]) -> None:
    assert not is_open(cache_control=OPEN_TO_ALL, vary=varies)


@pytest.mark.parametrize("varies", ["", "Cookie", "Accept-Encoding, Origin", "X-Authorization"])
def test_vary_by_other_headers_does_not(varies: str) -> None:
    assert is_open(cache_control=OPEN_TO_ALL, vary=varies)


NAMES = st.sampled_from(["cache-control", "vary", "expires", "date", "age"])
TEXTS = st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=40) | st.sampled_from(
    [OPEN_TO_ALL, "max-age=" + "9" * 5000, 'public="', '"public', "\u0661", LATER, "Mon, 99 Jan 99999 00:00:00 +9999"]
)


@given(
    st.dictionaries(NAMES, st.lists(TEXTS, min_size=1, max_size=3)),
    st.booleans(),
    st.sampled_from(["no-store", "private"]),
)
def test_any_headers_are_judged(headers: dict[str, list[str]], is_authorized: bool, word: str) -> None:
    names = {"authorization", "cookie"}
    assert isinstance(why_shareable(headers, names, is_authorized, NOW), str)
    kept = {**headers, "cache-control": [word, *(text for text in headers.get("cache-control", ()) if '"' not in text)]}
    assert not why_shareable(kept, names, is_authorized, NOW)
    assert not why_shareable({**headers, "vary": [*headers.get("vary", ()), "Cookie"]}, names, is_authorized, NOW)
