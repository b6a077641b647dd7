"""Fifty deployments of all kinds in five minutes and 2 GB. Not in `make test`: make test ARGS="-m fifty"."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest

from codegen import ROOT
from tests.fleet.conftest import MUTANT, OTHER_MUTANT, ServerFleet
from tests.fleet.results import CONFORMS, PART, UNTESTED, VIOLATES
from tests.fleet.test_fleet import ALONE, WRONG, check_secrets

OUTCOMES = {
    "good": CONFORMS,
    MUTANT: VIOLATES,
    "part": PART,
    "hanging": UNTESTED,
    OTHER_MUTANT: VIOLATES,
    "churning": CONFORMS,
    "refusing": UNTESTED,
    "slow": CONFORMS,
    "dying": UNTESTED,
    "other": UNTESTED,
}
FIFTY = 50
# Bytes of memory, and seconds of CPU: five minutes of two processors.
MEMORY, CPU = 2 * 2**30, 600


def used(group: int) -> int:
    """Return the resident memory of a process group, in bytes."""
    return sum(pages for pages in resident(group)) * resource.getpagesize()


def resident(group: int) -> Iterator[int]:
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text().rpartition(") ")[2].split()
        except OSError:
            # The process has exited.
            continue
        if int(fields[2]) == group:
            yield int(fields[21])


@pytest.mark.fifty
def test_fifty_deployments(make_fleet: Callable[..., ServerFleet], capsys: pytest.CaptureFixture[str]) -> None:
    names = list(islice(cycle(OUTCOMES), FIFTY))
    fleet = make_fleet(*names, part=ALONE, other=WRONG)
    command, environment = [sys.executable, "-m", "tests.fleet", "run"], fleet.environment({"JOBS": "4"})
    before, start, most = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), 0
    output = fleet.folder / "output.txt"
    with output.open("w") as file:
        # A new session, so that its processes can be found by group.
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
        while process.poll() is None:
            most = max(most, used(os.getpgid(process.pid)))
            try:
                process.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    text = output.read_text("utf-8")
    with capsys.disabled():
        print(f"\n{text}\n{wall:.0f} s, {seconds:.0f} s of CPU, {most / 2**20:.0f} MiB")
    assert process.returncode == 1
    found = {name: each["outcome"] for name, each in fleet.results().items()}
    assert found == {f"{kind}-{number}": OUTCOMES[kind] for number, kind in enumerate(names)}
    check_secrets(fleet, text)
    assert most < MEMORY and seconds < CPU
