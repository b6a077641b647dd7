"""The process pool: a task that crashes or hangs does not affect the others."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.fleet.process_pool import NoResult, run_in_processes

# Time limits in seconds: of the task that hangs, and of the others, which never reach it.
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
def test_each_task_has_its_result(jobs: int) -> None:
    tasks = ["good", "dies", "good", "hangs", "is killed", "fails", "good"]
    found = list(run_in_processes(tasks, act, jobs, limit))
    assert sorted(task for task, _ in found) == sorted(tasks)
    lost = {task: result.reason for task, result in found if isinstance(result, NoResult)}
    assert lost == {
        "dies": "its process died (exit code 7)",
        "is killed": "its process died (signal 9)",
        "hangs": "it exceeded its time limit and was killed",
        "fails": "it raised ValueError",
    }


def test_a_process_runs_tasks_in_turn(tmp_path: Path) -> None:
    found = list(run_in_processes(["a", "b", "c"], act, 1, limit))
    assert len({str(result).rpartition(" ")[2] for _, result in found}) == 1


def broken() -> None:
    raise SystemExit(3)


def test_processes_that_cannot_start_end_the_run() -> None:
    found = list(run_in_processes(["a", "b"], act, 1, limit, broken))
    assert [result for _, result in found] == [NoResult("its process died (exit code 3)")] * 2


def test_closing_the_iterator_kills_the_processes() -> None:
    results = run_in_processes(["good", "hangs"], act, 2, lambda task: LONG)
    _, result = next(results)
    results.close()  # type: ignore[attr-defined]
    pid = int(str(result).rpartition(" ")[2])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
