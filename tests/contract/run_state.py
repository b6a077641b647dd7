"""The state of the current run: its target, and what it has observed so far. Requests go through its session
(session.py).

There is one per process, because Schemathesis's hooks and checks are registered with the process.
"""

from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from schemathesis import Case, HookContext, Response

from .parsed_request import Discovered
from .session import Sending, Session
from .target import Target


@dataclass
class RunState:
    target: Target
    session: Session
    accepted_variants: dict[str, set[str]] = field(default_factory=dict)
    """Variants that the server accepts but the contract does not require, by parameter."""
    suspects: list[Any] = field(default_factory=list)
    """Pages whose contradiction could not be reproduced."""
    inconclusive: set[str] = field(default_factory=set)
    """Checks that could not confirm a difference because the list kept changing."""
    foreign_statuses: set[int] = field(default_factory=set)
    """Statuses for foreign ids."""
    rows: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Keys of the items read, by operation and parent id."""
    not_sent: set[str] = field(default_factory=set)
    """Operations that are not sent because their methods are unsafe."""
    interactions: dict[int, Any] = field(default_factory=dict)
    """The latest interactions, by identity of the response (interaction.py)."""
    latest: dict[tuple[str, str], Any] = field(default_factory=dict)
    """The latest page with each item, by schema and key."""
    duplicate_keys: set[str] = field(default_factory=set)
    """Keys that two items share."""
    kinds: dict[str, str] = field(default_factory=dict)
    """The kind of response to each case."""
    preceding: dict[int, requests.PreparedRequest] = field(default_factory=dict)
    """The latest response of each status without items, since the last one with items."""
    discovered: Discovered = field(default_factory=Discovered)
    request_keys: set[object] = field(default_factory=set)
    """Keys of requests with right credentials (`request_key` in interaction.py)."""
    requests_by_operation: dict[str, int] = field(default_factory=dict)
    """Requests of each operation, those of checks included."""
    choices: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Seen values of fields with a fixed set of texts (`Operation.choices`), by operation and field."""
    reached: dict[str, Any] = field(default_factory=dict)
    """The promises that each case and its response are about (coverage.py)."""
    sendings: dict[str, Sending] = field(default_factory=dict)
    """Sendings with more than one request, by case."""

    @property
    def sent(self) -> int:
        """Number of requests, those of checks included."""
        return self.session.sent

    @property
    def created_ids(self) -> dict[str, list[str]]:
        return self.session.created_ids

    @property
    def answered(self) -> int:
        return self.session.answered

    @property
    def ended_early(self) -> str:
        """Why the run ended early; empty if it did not."""
        return self.session.ended_early


_current: list[RunState] = []


def begin(target: Target, session: Session) -> RunState:
    session.begin_run()
    deleted = {name: set(ids.deleted) for name, ids in target.ids.items()}
    _current[:] = [RunState(target, session, discovered=Discovered(deleted=deleted))]
    return _current[0]


def run_state() -> RunState:
    return _current[0]


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    run_state().session.start()


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    sending = run_state().session.sending
    # Without waits.
    response.elapsed = sending.seconds
    if sending.transient or sending.cut:
        run_state().sendings[case.id] = sending
