"""The README's example, run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2

from codegen import ROOT
from tests.reference_server import seed

PROGRAM = Path(__file__).with_name("user_program.py")


def run(url: str, token: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROGRAM, seed.DEFINITION_ID],
        env={**os.environ, "PYTHONPATH": str(ROOT / "generated"), "KS_BASE_URL": url, "KS_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_prints_the_failed_runs_of_the_last_day(reference_url: str) -> None:
    path = f"/v1/workflow-definitions/{seed.DEFINITION_ID}/runs"
    expected = []
    for offset in (0, 100):
        answer = httpx2.get(
            f"{reference_url}{path}?limit=100&offset={offset}", headers={"Authorization": f"Bearer {seed.TOKEN}"}
        )
        expected += [
            f"{run['id']} {run['error']}"
            for run in answer.json()["items"]
            if run["status"] == "FAILED"
            and datetime.fromisoformat(run["created_at"]) > datetime.now(UTC) - timedelta(days=1)
        ]
    done = run(reference_url, seed.TOKEN)
    assert done.returncode == 0 and done.stderr == ""
    # Each is printed behind its time of day; an error may have several lines.
    assert expected and re.sub(r"^\d\d:\d\d ", "", done.stdout, flags=re.MULTILINE) == "\n".join([*expected, ""])


def test_it_says_why_it_cannot(reference_url: str) -> None:
    done = run(reference_url, "wrong")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("cannot list the runs: 401 for GET http://127.0.0.1:")


def test_the_readme_shows_it() -> None:
    program = PROGRAM.read_text(encoding="utf-8")
    assert program[program.index("import sys") :] in (ROOT / "README.md").read_text(encoding="utf-8")
