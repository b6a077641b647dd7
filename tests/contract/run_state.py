"""The run under way: what it tests, and what it has noted so far. What it sends goes through its session (session.py).

There is one at a time in a process, as Schemathesis's hooks and checks are registered with the process.
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
    """What the server takes beyond the contract's letter, by parameter."""
    suspects: list[Any] = field(default_factory=list)
    """Pages that did not go together with others, and did when they were asked for again."""
    inconclusive: set[str] = field(default_factory=set)
    """Checks that could not make sure of a difference, as the list changed under them."""
    foreign: set[int] = field(default_factory=set)
    """The statuses for lists that the credentials may not read."""
    rows: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Keys of the items that were read, by operation and what their list belongs to."""
    not_sent: set[str] = field(default_factory=set)
    """Operations of the contract that are not sent, as their methods are not safe."""
    interactions: dict[int, Any] = field(default_factory=dict)
    """The latest, by the answer's identity (interaction.py)."""
    latest: dict[tuple[str, str], Any] = field(default_factory=dict)
    """By schema and key, the page on which each item was read last."""
    shared: set[str] = field(default_factory=set)
    """Keys that stand on two items."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Which kind of answer each case got."""
    preceding: dict[int, requests.PreparedRequest] = field(default_factory=dict)
    """By status, the latest answer without items since the last one that had some."""
    discovered: Discovered = field(default_factory=Discovered)
    request_keys: set[object] = field(default_factory=set)
    """What was asked for with right credentials, however it was written (`question` in interaction.py)."""
    requests_by_operation: dict[str, int] = field(default_factory=dict)
    """How many requests were for each operation, those included that a check sent to make sure."""
    choices: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """By operation and field, which of the texts that it may have (`Operation.choices`) the items had."""
    reached: dict[str, Any] = field(default_factory=dict)
    """The promises that each case and its answer are about (coverage.py)."""
    sendings: dict[str, Sending] = field(default_factory=dict)
    """What it took to get an answer, by case, where that was more than one request."""

    @property
    def sent(self) -> int:
        """Requests, those included that a check sent to make sure."""
        return self.session.sent

    @property
    def created_ids(self) -> dict[str, list[str]]:
        return self.session.created_ids

    @property
    def answered(self) -> int:
        return self.session.answered

    @property
    def ended_early(self) -> str:
        """Why requests were left out."""
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
    # Without the waits.
    response.elapsed = sending.seconds
    if sending.transient or sending.cut:
        run_state().sendings[case.id] = sending
