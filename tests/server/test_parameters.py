"""Spellings of parameters: accepted, refused or ignored, each with its reason."""

import uuid

import pytest

from tests.reference_server.seed import DEFINITION_ID, EMPTY_DEFINITION_ID, RUNS
from tests.server.client import Client, parse_body

NINES = "9" * 60_000

# Values of `limit` and `offset` that are no integers, each with its reason.
NO_INTEGER = {
    "": "an empty value is not a missing parameter",
    "abc": "no digits",
    "1_0": "an underscore is Python's, not JSON's",
    "+5": "a plus in a query is a space",
    "%2B5": "a plus sign, which JSON does not have",
    "%205": "a space before",
    "5%20": "a space behind",
    "5%0A": "a newline behind, which `$` in a pattern would let pass",
    "5.0": "a fraction, even if it is zero",
    "1e1": "an exponent",
    "05": "a second spelling of 5",
    "00": "a second spelling of 0",
    "-0": "a second spelling of 0",
    "--5": "two signs",
    "-": "a sign alone",
    "0x10": "hexadecimal",
    "5,6": "a list",
    "[5]": "a list in JSON",
    "%225%22": "a string in JSON",
    "null": "a word",
    "true": "a word that Python takes for 1",
    "NaN": "a word that Python takes for a float",
    "Infinity": "a word that Python takes for a float",
    "%D9%A1": "a digit, but Arabic: Python's int() and \\d accept it",
    "5%D9%A1": "an Arabic digit behind another one",
    "%EF%BC%95": "a digit, but full width",
    "%C2%B2": "a superscript, a digit to str.isdigit()",
    "%00": "a NUL byte",
    "5%00": "a NUL byte behind",
    "5%": "an incomplete percent-encoding",
    "%zz": "an invalid percent-encoding",
    "%FF": "no UTF-8",
    "5%C3%28": "no UTF-8 behind a digit",
    "%ED%A0%80": "a surrogate, which UTF-8 does not have",
    "5;offset=1": "a semicolon separates nothing",
    "5?": "a second question mark is part of the value",
    "x" * 60_000: "very long",
}


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("text", NO_INTEGER, ids=lambda text: text[:20] or "empty")
def test_a_value_that_is_no_integer_is_refused(client: Client, name: str, text: str) -> None:
    response = client.request(f"{name}={text}")
    assert response.status_code == 422, NO_INTEGER[text]
    [fault] = response.json()["detail"]
    assert (fault["loc"], fault["type"]) == (["query", name], "int_parsing")


@pytest.mark.parametrize(
    ("query", "fault"),
    {
        "limit=0": ("limit", "greater_than_equal", {"ge": 1}),
        "limit=-1": ("limit", "greater_than_equal", {"ge": 1}),
        f"limit=-{NINES}": ("limit", "greater_than_equal", {"ge": 1}),
        "limit=101": ("limit", "less_than_equal", {"le": 100}),
        f"limit={2**63}": ("limit", "less_than_equal", {"le": 100}),
        f"limit={2**64 + 5}": ("limit", "less_than_equal", {"le": 100}),
        f"limit={NINES}": ("limit", "less_than_equal", {"le": 100}),
        "offset=-1": ("offset", "greater_than_equal", {"ge": 0}),
        f"offset={-(2**64)}": ("offset", "greater_than_equal", {"ge": 0}),
        f"offset=-{NINES}": ("offset", "greater_than_equal", {"ge": 0}),
    }.items(),
    ids=lambda value: str(value)[:24],
)
def test_a_value_out_of_bounds_is_refused(client: Client, query: str, fault: tuple[str, str, dict[str, int]]) -> None:
    name, kind, context = fault
    [bound] = context.values()
    response = client.request(query)
    assert response.status_code == 422
    assert response.json()["detail"] == [
        {
            "type": kind,
            "loc": ["query", name],
            "msg": f"Input should be {kind.replace('_', ' ').replace('equal', 'or equal to')} {bound}",
            "input": query.partition("=")[2],
            "ctx": context,
        }
    ]


@pytest.mark.parametrize(
    "query",
    [
        "limit=5&limit=5",
        "limit=5&offset=1&limit=6",
        "limit=5&%6C%69mit=5",
        "limit=&limit",
        "offset=0&offset=0",
    ],
)
def test_a_repeated_parameter_is_refused(client: Client, query: str) -> None:
    response = client.request(query)
    assert response.status_code == 422
    [fault] = response.json()["detail"]
    assert fault["type"] == "int_type"
    assert len(fault["input"]) == 2


@pytest.mark.parametrize(
    ("query", "limit", "offset"),
    [
        ("", 20, 0),
        ("limit=1", 1, 0),
        ("limit=100", 100, 0),
        ("limit=%31%30", 10, 0),
        ("%6Cimit=10", 10, 0),
        ("offset=0", 20, 0),
        ("offset=1&limit=2", 2, 1),
        ("&&limit=5&", 5, 0),
        (f"offset={RUNS - 1}", 20, RUNS - 1),
        (f"offset={RUNS}", 20, RUNS),
        (f"offset={2**31}", 20, 2**31),
        (f"offset={2**63 - 1}", 20, 2**63 - 1),
        (f"offset={2**63}", 20, 2**63),
        (f"offset={2**64}", 20, 2**64),
        (f"offset={NINES}", 20, 10**60_000 - 1),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, str) else "",
)
def test_allowed_values_are_echoed(client: Client, query: str, limit: int, offset: int) -> None:
    response = client.request(query)
    assert response.status_code == 200
    page = parse_body(response)
    assert (page["limit"], page["offset"], page["total"]) == (limit, offset, RUNS)
    assert len(page["items"]) == max(0, min(limit, RUNS - offset))


@pytest.mark.parametrize(
    "query",
    ["unknown=1", "LIMIT=0", "limit%20=0", "%20limit=0", "limit[]=0", "limit%00=0", "%FF=%FF", "%=%zz", "a", "=", "=0"],
)
def test_unknown_parameters_are_ignored(client: Client, query: str) -> None:
    assert client.request(query).json() == client.request().json()


def test_a_very_long_query_is_answered(client: Client) -> None:
    assert client.request("&".join(f"p{n}=x" for n in range(6_000))).status_code == 200


HYPHENS_OFF = DEFINITION_ID.replace("-", "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x", "no UUID at all"),
        (HYPHENS_OFF, "without dashes"),
        (f"%7B{DEFINITION_ID}%7D", "in braces"),
        (f"urn:uuid:{DEFINITION_ID}", "as a URN"),
        (DEFINITION_ID[:-1], "a digit too few"),
        (DEFINITION_ID + "0", "a digit too many"),
        (DEFINITION_ID[:-1] + "g", "g is no hexadecimal digit"),
        (DEFINITION_ID[:-1] + "%D9%A1", "an Arabic digit"),
        (DEFINITION_ID[:-1] + "%EF%BD%81", "a full width a"),
        (DEFINITION_ID[:-1] + "_", "an underscore, which int() skips"),
        (
            f"{HYPHENS_OFF[:4]}-{HYPHENS_OFF[4:8]}-{HYPHENS_OFF[8:12]}-{HYPHENS_OFF[12:16]}-{HYPHENS_OFF[16:]}",
            "wrong groups",
        ),
        (DEFINITION_ID.replace("-", "%E2%80%90"), "typographic hyphens"),
        (DEFINITION_ID + "%0A", "a newline behind"),
        (DEFINITION_ID + "%20", "a space behind"),
        ("%20" + DEFINITION_ID, "a space before"),
        (DEFINITION_ID + "%00", "a NUL byte behind"),
        ("%00", "a NUL byte"),
        ("%2F", "an encoded slash is part of the id, not of the path"),
        (DEFINITION_ID + "%2Fruns", "the same"),
        ("%0A", "a newline"),
        (".", "a dot"),
        ("..", "two dots: nothing is resolved"),
        ("%FF", "no UTF-8"),
        ("%zz", "an invalid percent-encoding"),
        ("%", "an incomplete percent-encoding"),
        ("null", "a word"),
        ("*", "a wildcard"),
        ("0", "a number"),
        ("{definition_id}", "the template itself"),
        ("0" * 60_000, "very long"),
    ],
    ids=lambda value: value[:50],
)
def test_an_id_that_is_no_uuid_is_refused(client: Client, text: str, reason: str) -> None:
    response = client.request(definition=text)
    assert response.status_code == 422, reason
    [fault] = response.json()["detail"]
    assert (fault["loc"], fault["type"]) == (["path", "definition_id"], "uuid_parsing")


@pytest.mark.parametrize(
    "text", [DEFINITION_ID.upper(), DEFINITION_ID.title(), DEFINITION_ID.replace("-", "%2D"), f"%36{DEFINITION_ID[1:]}"]
)
def test_a_uuid_is_the_same_in_either_case_and_percent_encoded(client: Client, text: str) -> None:
    assert client.request(definition=text).json() == client.request().json()


@pytest.mark.parametrize("number", [0, 2**128 - 1], ids=["nil", "max"])
def test_a_uuid_of_any_version_is_valid(client: Client, number: int) -> None:
    assert client.request(definition=str(uuid.UUID(int=number))).status_code == 404


def test_all_faults_are_reported_together(client: Client) -> None:
    faults = client.request("offset=x&limit=0", definition="y").json()["detail"]
    assert [fault["loc"] for fault in faults] == [["path", "definition_id"], ["query", "limit"], ["query", "offset"]]
    assert [fault["input"] for fault in faults] == ["y", "0", "x"]


def test_an_empty_definition_has_an_empty_page(client: Client) -> None:
    assert client.request(definition=EMPTY_DEFINITION_ID).json() == {"items": [], "total": 0, "limit": 20, "offset": 0}
