"""`python -m tests.fleet` against a fleet: each outcome is right, servers do not affect each other, no secret leaks."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import jsonschema_rs
import pytest

from codegen import ROOT
from tests.contract.contract import contract
from tests.contract.redaction import forms
from tests.fleet.conftest import DEFAULTS, MUTANT, TOKENS, ServerFleet
from tests.fleet.reports import FILES
from tests.fleet.results import CONFORMS, PART, UNTESTED, VIOLATES
from tests.reference_server import seed

SCHEMA = json.loads((ROOT / "tests/fleet/fleet.schema.json").read_text("utf-8"))
ALONE = f'definition_id = "{seed.DEFINITION_ID}"\nempty_definition_id = []\nforeign_definition_id = []\n'
WRONG = 'env = { TOKEN = "WRONG_TOKEN" }\n'
# The outcome of each kind of server, and a part of its problem or the check that fails.
EXPECTED = {
    "good": (CONFORMS, ""),
    "slow": (PART, ""),
    MUTANT: (VIOLATES, "limit_and_offset_echoed"),
    "hanging": (UNTESTED, "did not respond within 10 seconds"),
    "refusing": (UNTESTED, "cannot be reached"),
    "dying": (UNTESTED, "stopped answering during the run"),
    "churning": (CONFORMS, ""),
    "other": (UNTESTED, "(401)"),
    "echoing": (UNTESTED, "it redirects to '/$TOKEN' (302)"),
}


@pytest.mark.full
def test_every_outcome_is_right_and_no_secret_leaks(
    make_fleet: Callable[..., ServerFleet], capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = make_fleet(*EXPECTED, slow=ALONE, other=WRONG)
    done = fleet.command("run", JOBS="3")
    assert done.returncode == 1, done.stdout + done.stderr
    found = fleet.results()
    for number, (kind, (outcome, message)) in enumerate(EXPECTED.items()):
        result = found[f"{kind}-{number}"]
        assert (kind, result["outcome"]) == (kind, outcome), result
        assert message in result["problem"] + " ".join(each["check"] for each in result["findings"])
        assert bool(result["fix"]) == (outcome == UNTESTED)
        # A progress line and a line of the table.
        assert sum(f"{kind}-{number} " in line and outcome in line for line in done.stdout.splitlines()) == 2
    check_reports(fleet)
    check_secrets(fleet, done.stdout + done.stderr)
    assert fleet.main("report", NEW_ONLY="1") == 2
    # All findings are known now; some deployments still could not be tested.
    assert fleet.results()[f"{MUTANT}-2"]["findings"][0]["state"] == "known"
    check_diff(fleet, capsys)


def check_reports(fleet: ServerFleet) -> None:
    jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True).validate(fleet.document())
    folder, found = fleet.folder / "reports", fleet.results()
    suites = ElementTree.parse(folder / "junit.xml").getroot().findall("testsuite")
    assert [suite.get("name") for suite in suites] == list(found)
    broken = {suite.get("name") for suite in suites if suite.get("failures") != "0"}
    assert broken == {f"{MUTANT}-2"}
    assert {suite.get("name") for suite in suites if suite.get("errors") != "0"} == {
        name for name, each in found.items() if each["outcome"] == UNTESTED
    }
    run = json.loads((folder / "fleet.sarif").read_text("utf-8"))["runs"][0]
    assert {result["baselineState"] for result in run["results"]} == {"new"}
    assert all(result["message"]["text"].startswith(f"{MUTANT}-2: ") for result in run["results"])
    metrics = (folder / "fleet.prom").read_text("utf-8")
    assert f'contract_outcome{{deployment="{MUTANT}-2",outcome="violates"}} 1\n' in metrics
    assert metrics.endswith("# EOF\n")
    page = (folder / "fleet.html").read_text("utf-8")
    for name in found:
        assert f'id="at-{name}"' in page
    assert f'href="#at-{MUTANT}-2--paging"' in page and f'id="at-{MUTANT}-2--paging"' in page
    assert not {"src=", "<link", "@import", "url("} & set(page.split())
    good = found["good-0"]
    assert good["server_version"] is None or isinstance(good["server_version"], str)
    assert [each for each in good["not_judged"] if each["possible"]] == []
    parts = [each["reason"] for each in found["slow-1"]["not_judged"] if each["possible"]]
    assert any("FOREIGN_" in reason for reason in parts)
    assert good["repeat"].startswith('TOKEN="$FLEET_TOKEN" KS_UAT="$SESSION" make contract BASE_URL=http://127.0.0.1:')


def check_secrets(fleet: ServerFleet, printed: str) -> None:
    """Check that no form of a credential is in the output or in any report, requests.har included."""
    texts = {"output": printed}
    for file in (fleet.folder / "reports").rglob("*"):
        if file.is_file():
            texts[str(file)] = file.read_text("utf-8", "replace")
    assert {Path(name).name for name in texts} >= {*FILES, "fleet.jsonl", "requests.har", "promises.html"}
    for secret in TOKENS.values():
        for name, text in texts.items():
            assert not any(form in text for form in forms(secret)), name


def check_diff(fleet: ServerFleet, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert fleet.main("diff", A="good-0", B=f"{MUTANT}-2") == 1
    output = capsys.readouterr().out
    assert "outcome    conforms -> violates\n" in output and "limit_and_offset_echoed: none -> " in output
    before = min((fleet.folder / "reports/history").glob("*.json"))
    assert fleet.main("diff", A=f"{before}#good-0", B="good-0") == 0
    assert capsys.readouterr().out == "no difference in promises, accepted variants, statuses and times\n"
    assert fleet.main("diff", A="good-0", B="hanging-3") == 2


@pytest.mark.full
def test_shards_are_merged_and_missing_results_reported(
    make_fleet: Callable[..., ServerFleet], capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = make_fleet("refusing", "refusing", "refusing")
    assert fleet.main("matrix", JOBS="2") == 0
    assert json.loads(capsys.readouterr().out) == {"shard": ["1/2", "2/2"]}
    for shard in ("1/2", "2/2"):
        assert fleet.command("run", SHARD=shard, REPORT_DIR=str(fleet.folder / "all" / shard[0])).returncode == 2
    assert fleet.main("report", REPORT_DIR=str(fleet.folder / "all/1")) == 2
    data = json.loads((fleet.folder / "all/1/fleet.json").read_text("utf-8"))
    assert [each["problem"][:8] for each in data["deployments"]] == ["http://1", "no shard", "http://1"]
    assert fleet.main("report", REPORT_DIR=str(fleet.folder / "all")) == 2
    data = json.loads((fleet.folder / "all/fleet.json").read_text("utf-8"))
    assert all("cannot be reached" in each["problem"] for each in data["deployments"])


def test_mistakes_are_reported_before_any_request(
    make_fleet: Callable[..., ServerFleet], capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = make_fleet("refusing")
    for command, variables, problem in (
        (
            "run",
            {"FLEET_TOKEN": ""},
            ":5: the environment variable FLEET_TOKEN, for TOKEN of 'refusing-0'",
        ),
        ("run", {"JOBS": "0"}, "JOBS must be an integer between 1 and 999 (got '0')"),
        ("run", {"SHARD": "3/2"}, "SHARD must be a share (got '3/2')"),
        ("run", {"NEW_ONLY": "yes"}, "NEW_ONLY must be 0 or 1 (got 'yes')"),
        ("run", {"FLEET": "nowhere.toml"}, "cannot read nowhere.toml: No such file"),
        ("report", {}, "there are no results below"),
        ("diff", {"A": "x"}, "cannot read "),
        ("diff", {"A": ""}, "A is not set"),
    ):
        assert fleet.main(command, **variables) == 2
        printed = capsys.readouterr()
        assert printed.out == "" and printed.err.startswith("problem: ") and problem in printed.err
        assert "\nfix: " in printed.err
    assert not (fleet.folder / "reports").exists()


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the ids of the worker processes."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(each) for each in children if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]


def start_fleet(fleet: ServerFleet, **variables: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fleet", "run"],
        cwd=ROOT,
        env=fleet.environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_an_interrupt_stops_all_processes_and_resume_continues(make_fleet: Callable[..., ServerFleet]) -> None:
    fleet = make_fleet("good", "hanging")
    with start_fleet(fleet, JOBS="1") as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith(b"[1/2] good-0")
        workers = workers_of(process)
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read().decode()
        assert process.wait(60) == 2
    assert errors == "problem: interrupted\nfix: continue with the remaining deployments: make fleet RESUME=1\n"
    assert workers and not any(Path(f"/proc/{each}").exists() for each in workers)
    # Existing results are kept; a worker that dies affects only its own deployment.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fleet.members[1].url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        fleet.write()
        with start_fleet(fleet, RESUME="1") as process:
            assert process.stdout is not None
            with listener.accept()[0]:
                for each in workers_of(process):
                    os.kill(each, signal.SIGKILL)
            text = process.stdout.read().decode()
            assert process.wait(60) == 2
    assert text.startswith("1 of 2 already have a result\n[2/2] hanging-1")
    assert fleet.results()["good-0"]["outcome"] == CONFORMS
    assert fleet.results()["hanging-1"]["problem"] == "its process died (signal 9)"


def test_keys_follow_from_the_contract(make_fleet: Callable[..., ServerFleet]) -> None:
    fleet = make_fleet("refusing")
    board = str(ROOT / "tests/board/openapi.yaml")
    done = fleet.command("matrix", CONTRACT=board)
    assert done.returncode == 2 and "'KS_UAT' must be one of the contract's" in done.stderr, done.stderr
    text = fleet.file.read_text("utf-8").replace("definition_id", "project_id")
    fleet.file.write_text(text.replace("KS_UAT", "X_BOARD_KEY"), "utf-8")
    done = fleet.command("matrix", CONTRACT=board)
    assert (done.returncode, done.stdout) == (0, '{"shard": ["1/1"]}\n'), done.stderr


def test_the_code_contains_no_name_of_the_contract() -> None:
    names = {each.name for each in contract().operations} | contract().parents.keys()
    names |= {variable for each in contract().parents.values() for variable in (each.parent_variable,)}
    for file in (ROOT / "tests/fleet").glob("*.py"):
        if not file.name.startswith(("test_", "conftest", "__init__")):
            assert not any(name in file.read_text("utf-8") for name in names), file
    assert "definition_id" in DEFAULTS
