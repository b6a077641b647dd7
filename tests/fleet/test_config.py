"""fleet.toml: each mistake is reported with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import ROOT
from tests.contract.contract import Problem, contract
from tests.contract.settings import id_variables
from tests.fleet.config import LIMITS, MAX_TIME, read_fleet
from tests.reference_server import seed

ID = seed.DEFINITION_ID
TOKENS = {"BERLIN_TOKEN": "a-token-of-berlin", "OSLO_TOKEN": "a-token-of-oslo"}
GOOD = f"""\
# Complete.
[defaults]
rate_limit = "10/s"
max_time = 300
env = {{ TOKEN = "BERLIN_TOKEN" }}

[[deployment]]
name = "berlin"
base_url = "https://berlin.example.com/api/"
definition_id = "{ID}"

[[deployment]]
name = "oslo"
base_url = "https://oslo.example.com"
definition_id = [
  "{ID}",
  "{seed.EMPTY_DEFINITION_ID}",
]
max_time = 7
[deployment.env]
TOKEN = "OSLO_TOKEN"
"""


def write_fleet(folder: Path, text: str) -> Path:
    file = folder / "fleet.toml"
    file.write_text(text, "utf-8")
    return file


def test_defaults_apply_unless_a_deployment_overrides_them(tmp_path: Path) -> None:
    fleet = read_fleet(write_fleet(tmp_path, GOOD))
    targets = fleet.targets(TOKENS | {"MAX_EXAMPLES": "5", "BASE_URL": "http://127.0.0.1", "ALL_METHODS": "1"})
    berlin, oslo = targets["berlin"], targets["oslo"]
    assert (berlin.base_url, berlin.secrets["TOKEN"]) == ("https://berlin.example.com/api", TOKENS["BERLIN_TOKEN"])
    assert (berlin.max_time, berlin.rate_limit, berlin.max_examples) == (300, "10/s", 5)
    assert (oslo.max_time, oslo.secrets) == (7, {"TOKEN": TOKENS["OSLO_TOKEN"]})
    assert [each.known for each in oslo.ids.values()] == [(ID, seed.EMPTY_DEFINITION_ID)]
    assert not any(each.all_methods for each in targets.values())
    # A deployment that hangs must not block the others.
    unlimited = read_fleet(write_fleet(tmp_path, GOOD.replace("max_time = 300\n", "")))
    assert unlimited.targets(TOKENS | {"MAX_TIME": "0"})["berlin"].max_time == MAX_TIME


# A replacement in GOOD, then the line and the message of the problem.
WRONG = [
    ("max_time = 300", "max_time = 0", 4, "'max_time' must be an integer between 1 and 999999999 (got 0)"),
    ("max_time = 300", "max_time = true", 4, "(got a Boolean)"),
    ("max_time = 300", "max_times = 300", 4, "there is no key 'max_times'"),
    ("max_time = 300", 'name = "all"', 4, "'name' is not allowed in [defaults]"),
    ('rate_limit = "10/s"', 'rate_limit = "fast"', 3, "'berlin': rate_limit must be a rate (got 'fast')"),
    ('rate_limit = "10/s"', "rate_limit = 10", 3, "'rate_limit' must be text (got an integer)"),
    ('rate_limit = "10/s"', 'rate_limit = "10/s', 3, "invalid TOML"),
    (
        'rate_limit = "10/s"',
        'token = "s3cr3t"',
        3,
        "there is no key 'token', and credentials must not be in the file",
    ),
    ('name = "oslo"', 'name = "Berlin"', 13, "'name' must be unique (got 'Berlin', also on line 8)"),
    ('name = "oslo"', 'name = "../oslo"', 13, "'name' must be letters"),
    ('name = "oslo"', "", 12, "'name' must be given for each deployment"),
    ('base_url = "https://oslo.example.com"', "", 12, "'base_url' must be given"),
    ("oslo.example.com", "me:s3cr3t@oslo.example.com", 14, "base_url must not contain credentials"),
    ("oslo.example.com", "oslo.example.com/?a=b", 14, "must not have a query or a fragment"),
    ('definition_id = "', 'definition_id = "0', 10, "'berlin': definition_id must be a UUID"),
    ('definition_id = "', 'definitions = "', 10, "there is no key 'definitions'"),
    ("[[deployment]]", "[[deployments]]", 7, "there is no key 'deployments'"),
    ("[[deployment]]", "[defaults]", 7, "invalid TOML"),
    ('TOKEN = "OSLO_TOKEN"', 'TOKEN = "eyJhbGciOiJIUzI1NiJ9.s3cr3t"', 21, "looks like a credential"),
    ('TOKEN = "OSLO_TOKEN"', 'TOKEN = "AB12CD34EF56AB12"', 21, "looks like a credential"),
    ('TOKEN = "OSLO_TOKEN"', 'PASSWORD = "OSLO_TOKEN"', 21, "'PASSWORD' must be one of the contract's credentials"),
    ('TOKEN = "OSLO_TOKEN"', 'TOKEN = "PARIS_TOKEN"', 21, "PARIS_TOKEN, for TOKEN of 'oslo', is not set"),
    ('{ TOKEN = "BERLIN_TOKEN" }', "{ }", 7, "'berlin' has no credentials"),
    ('{ TOKEN = "BERLIN_TOKEN" }', '"BERLIN_TOKEN"', 5, "'env' must be a table (got text)"),
    ("# Complete.", f"# {TOKENS['OSLO_TOKEN']}", 1, "the file contains a credential"),
]


@pytest.mark.parametrize(("before", "after", "line", "message"), WRONG)
def test_a_mistake_is_reported_with_its_line(tmp_path: Path, before: str, after: str, line: int, message: str) -> None:
    assert before in GOOD
    file = write_fleet(tmp_path, GOOD.replace(before, after, 1))
    with pytest.raises(Problem) as raised:
        read_fleet(file).targets(TOKENS)
    assert raised.value.problem.startswith(f"{file}:{line}: "), raised.value.problem
    assert message in raised.value.problem and raised.value.fix
    text = raised.value.problem + raised.value.fix
    assert "s3cr3t" not in text and "AB12CD34" not in text and TOKENS["OSLO_TOKEN"] not in text
    # Messages use the file's keys, not the variables of the contract run.
    assert not re.search(r"\b(DEFINITION_ID|BASE_URL|RATE_LIMIT)\b", text)


def test_file_and_deployments_are_required(tmp_path: Path) -> None:
    for text, message in (("", "it lists no deployment"), ("deployment = 1", "must be a list of tables")):
        with pytest.raises(Problem, match=message):
            read_fleet(write_fleet(tmp_path, text))
    for path in (tmp_path, tmp_path / "nowhere.toml"):
        with pytest.raises(Problem, match="cannot read"):
            read_fleet(path)
    (tmp_path / "latin.toml").write_bytes(b"# \xff")
    with pytest.raises(Problem, match="is not UTF-8"):
        read_fleet(tmp_path / "latin.toml")


BLANK = st.lists(st.sampled_from(["", "# [[deployment]]", "  ", '# name = "x"']), max_size=3)


@settings(derandomize=True, database=None, deadline=None)
@given(before=st.lists(BLANK, min_size=2, max_size=6), data=st.data())
def test_the_line_is_right_in_any_layout(
    before: list[list[str]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Deployments with comments between and within them, in both quotings; one has an unknown key."""
    wrong = data.draw(st.integers(0, len(before) - 1))
    lines: list[str] = []
    for number, blank in enumerate(before):
        entries = [f'name = "n{number}"', f"'base_url' = 'https://n{number}.example.com'"]
        entries += ["note = 3"] if number == wrong else []
        lines += [
            *blank,
            "[[ deployment ]]",
            *data.draw(st.permutations(entries)),
            'env.TOKEN = "BERLIN_TOKEN"',
            *blank,
        ]
    file = write_fleet(tmp_path_factory.getbasetemp(), "\n".join(lines))
    with pytest.raises(Problem) as raised:
        read_fleet(file)
    assert raised.value.problem == f"{file}:{lines.index('note = 3') + 1}: there is no key 'note'"


PIECES = ["[", "]", "[[deployment]]", "\n", "name", "=", '"', "'''", "env", ".", "{", "}", "0x", "1", ",", "\x00", "é"]


@settings(derandomize=True, database=None, deadline=None)
@given(text=st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_any_content_is_at_most_one_problem(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(Problem) as raised:
        read_fleet(file)
    assert raised.value.problem.isprintable()


def test_the_usage_names_every_key() -> None:
    from tests.fleet import __doc__ as usage

    known = {name.lower() for first in contract().parents.values() for name in id_variables(first)}
    named = set(re.findall(r"^    (\w+) = ", usage or "", re.MULTILINE))
    assert {"name", "base_url", "env", "rate_limit"} <= named <= {"name", "base_url", "env", *known, *LIMITS}
    assert str(ROOT) not in (usage or "")
