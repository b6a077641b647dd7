"""Status, times and error of a run that contradict each other."""

from datetime import datetime, timedelta

from .base import Body, PageFault, RunFault, add_mutant, any_run, now, run_status_is, set_field

RULES = "rules"


def shift_times(run: Body) -> None:
    """Make all times of a run two hours later."""
    for name in ("created_at", "started_at", "completed_at", "updated_at"):
        if run[name]:
            run[name] = (datetime.fromisoformat(run[name]) + timedelta(hours=2)).isoformat()


add_mutant(
    RULES,
    "running_with_end",
    RunFault(lambda run: set_field(run, "completed_at", run["updated_at"]), run_status_is("RUNNING")),
    "completed_at_by_status",
)
add_mutant(
    RULES,
    "pending_with_end",
    RunFault(lambda run: set_field(run, "completed_at", run["updated_at"]), run_status_is("PENDING")),
    "completed_at_by_status",
)
add_mutant(
    RULES,
    "completed_without_end",
    RunFault(lambda run: run["status"] == "COMPLETED" and set_field(run, "completed_at", None)),
    "completed_at_by_status",
)
add_mutant(
    RULES,
    "failed_without_error",
    RunFault(lambda run: set_field(run, "error", None), run_status_is("FAILED")),
    "error_by_status",
)
add_mutant(
    RULES,
    "completed_with_error",
    RunFault(lambda run: run["status"] == "COMPLETED" and set_field(run, "error", "late")),
    "error_by_status",
)
add_mutant(
    RULES,
    "error_empty_when_completed",
    RunFault(lambda run: set_field(run, "error", ""), run_status_is("COMPLETED")),
    "error_by_status",
)
add_mutant(
    RULES,
    "started_before_created",
    RunFault(lambda run: set_field(run, "created_at", run["completed_at"])),
    "times_in_order",
)
add_mutant(
    RULES,
    "updated_before_completed",
    RunFault(lambda run: set_field(run, "updated_at", run["created_at"])),
    "times_in_order",
)
add_mutant(
    RULES,
    "local_time_as_utc",
    RunFault(lambda run: set_field(run, "updated_at", run["updated_at"].replace("Z", "+12:00"))),
    "times_in_order",
)
add_mutant(
    RULES,
    "updated_in_the_future",
    RunFault(lambda run: set_field(run, "updated_at", "2999-01-01T00:00:00Z")),
    "nothing_in_the_future",
)
add_mutant(
    RULES,
    "two_running",
    RunFault(
        lambda run: (
            set_field(run, "status", "RUNNING"),
            set_field(run, "completed_at", None),
            set_field(run, "error", None),
        ),
        lambda run: run["status"] in ("RUNNING", "PENDING"),
    ),
    "one_running",
)
add_mutant(
    RULES,
    "stuck_in_running",
    RunFault(
        lambda run: (
            set_field(run, "status", "RUNNING"),
            set_field(run, "completed_at", None),
            set_field(run, "error", None),
        )
    ),
    "one_running",
)

add_mutant(
    RULES,
    "completed_when_read",
    RunFault(
        lambda run: (set_field(run, "completed_at", now()), set_field(run, "updated_at", now())),
        lambda run: bool(run["completed_at"]),
    ),
    "ended_runs_stay",
)
add_mutant(
    RULES,
    "updated_when_read",
    RunFault(lambda run: set_field(run, "updated_at", now()), any_run),
    "items_do_not_go_back",
)
add_mutant(
    RULES,
    "failures_shortened_in_small_pages",
    PageFault(
        lambda page, parameters: (
            parameters.limit < 30
            and [set_field(run, "error", "It failed.") for run in page["items"] if run["status"] == "FAILED"]
        )
    ),
    "ended_runs_stay",
)
add_mutant(
    RULES,
    "local_time_ahead",
    RunFault(shift_times, any_run),
    "nothing_in_the_future",
)
