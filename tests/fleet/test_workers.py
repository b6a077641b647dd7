"""Work in processes: what one of them does to itself harms no other."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.fleet.workers import Lost, in_processes

# Seconds: of those that are ended, and of others, which never reach it.
SHORT, LONG = 1.0, 100.0


def act(task: str) -> str:
    if task == "dies":
        os._exit(7)
    if task == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "hangs":
        signal.pause()
    if task == "fails":
        raise ValueError("s3cr3t")
    return f"{task} in {os.getpid()}"


def limit(task: str) -> float:
    return SHORT if task == "hangs" else LONG


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_task_has_its_result_whatever_others_do(jobs: int) -> None:
    tasks = ["good", "dies", "good", "hangs", "is killed", "fails", "good"]
    found = list(in_processes(tasks, act, jobs, limit))
    assert sorted(task for task, _ in found) == sorted(tasks)
    lost = {task: result.why for task, result in found if isinstance(result, Lost)}
    assert lost == {
        "dies": "the process that worked on it died (exit code 7)",
        "is killed": "the process that worked on it died (signal 9)",
        "hangs": "it took longer than it may, and was ended",
        "fails": "the work on it failed: ValueError",
    }


def test_a_process_does_one_after_the_other(tmp_path: Path) -> None:
    found = list(in_processes(["a", "b", "c"], act, 1, limit))
    assert len({str(result).rpartition(" ")[2] for _, result in found}) == 1


def broken() -> None:
    raise SystemExit(3)


def test_processes_that_cannot_start_end_it() -> None:
    found = list(in_processes(["a", "b"], act, 1, limit, broken))
    assert [result for _, result in found] == [Lost("the process that worked on it died (exit code 3)")] * 2


def test_whoever_looks_no_further_leaves_nothing_behind() -> None:
    results = in_processes(["good", "hangs"], act, 2, lambda task: LONG)
    _, result = next(results)
    results.close()  # type: ignore[attr-defined]
    pid = int(str(result).rpartition(" ")[2])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
