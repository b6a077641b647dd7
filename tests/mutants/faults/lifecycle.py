"""Lifecycle."""

from datetime import datetime, timedelta

from .making import Body, PageFault, RunFault, always_true, has, mutant, now, put

RULES = "rules"


def later(run: Body) -> list[tuple[str, str]]:
    """Its times, two hours later."""
    names = [name for name in ("created_at", "started_at", "completed_at", "updated_at") if run[name]]
    return [(name, (datetime.fromisoformat(run[name]) + timedelta(hours=2)).isoformat()) for name in names]


mutant(
    RULES,
    "running_with_end",
    RunFault(lambda run: put(run, "completed_at", run["updated_at"]), has("RUNNING")),
    "completed_at_by_status",
)
mutant(
    RULES,
    "pending_with_end",
    RunFault(lambda run: put(run, "completed_at", run["updated_at"]), has("PENDING")),
    "completed_at_by_status",
)
mutant(
    RULES,
    "completed_without_end",
    RunFault(lambda run: run["status"] == "COMPLETED" and put(run, "completed_at", None)),
    "completed_at_by_status",
)
mutant(RULES, "failed_without_error", RunFault(lambda run: put(run, "error", None), has("FAILED")), "error_by_status")
mutant(
    RULES,
    "completed_with_error",
    RunFault(lambda run: run["status"] == "COMPLETED" and put(run, "error", "late")),
    "error_by_status",
)
mutant(
    RULES,
    "error_empty_when_completed",
    RunFault(lambda run: put(run, "error", ""), has("COMPLETED")),
    "error_by_status",
)
mutant(
    RULES,
    "started_before_created",
    RunFault(lambda run: put(run, "created_at", run["completed_at"])),
    "times_in_order",
)
mutant(
    RULES,
    "updated_before_completed",
    RunFault(lambda run: put(run, "updated_at", run["created_at"])),
    "times_in_order",
)
mutant(
    RULES,
    "local_time_as_utc",
    RunFault(lambda run: put(run, "updated_at", run["updated_at"].replace("Z", "+12:00"))),
    "times_in_order",
)
mutant(
    RULES,
    "updated_in_the_future",
    RunFault(lambda run: put(run, "updated_at", "2999-01-01T00:00:00Z")),
    "nothing_in_the_future",
)
mutant(
    RULES,
    "two_running",
    RunFault(
        lambda run: (put(run, "status", "RUNNING"), put(run, "completed_at", None), put(run, "error", None)),
        lambda run: run["status"] in ("RUNNING", "PENDING"),
    ),
    "one_running",
)
mutant(
    RULES,
    "stuck_in_running",
    RunFault(lambda run: (put(run, "status", "RUNNING"), put(run, "completed_at", None), put(run, "error", None))),
    "one_running",
)

mutant(
    RULES,
    "completed_when_read",
    RunFault(
        lambda run: (put(run, "completed_at", now()), put(run, "updated_at", now())),
        lambda run: bool(run["completed_at"]),
    ),
    "ended_runs_stay",
)
mutant(
    RULES, "updated_when_read", RunFault(lambda run: put(run, "updated_at", now()), always_true), "items_do_not_go_back"
)
mutant(
    RULES,
    "failures_shortened_in_small_pages",
    PageFault(
        lambda page, asked: (
            asked.limit < 30 and [put(run, "error", "It failed.") for run in page["items"] if run["status"] == "FAILED"]
        )
    ),
    "ended_runs_stay",
)
mutant(
    RULES,
    "local_time_ahead",
    RunFault(lambda run: [put(run, *each) for each in later(run)], always_true),
    "nothing_in_the_future",
)
