"""The result of each promise: judged, broken, or not judged and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from codegen.extensions.model import ANY
from codegen.openapi import Node, operations

from .claims import Line, schemas_of
from .conditional_rules import conditions
from .contract import contract, either
from .coverage import lines, promises_at, schema_coverage, scheme_promises
from .interaction import TRANSITION_RULES
from .outcome import Finding, Outcome
from .schema_coverage import ELEMENTS, KEYWORD_TYPES, type_names
from .target import Target

JUDGED, BROKEN, OPEN = "judged", "broken", "not judged"


@dataclass(frozen=True)
class Reason:
    """The reason why a promise was not judged."""

    text: str
    is_in_verdict: bool = False
    """True if the verdict says it elsewhere."""


@dataclass(frozen=True)
class Entry:
    """A promise and its result."""

    line: Line
    judged: Counter[str]
    """Judged responses, by check."""
    findings: tuple[int, ...]
    """Numbers, from 1, of the findings that report it broken."""
    values: tuple[str, ...]
    """Seen values of an enumeration, as JSON."""
    reason: Reason

    @property
    def pointer(self) -> str:
        return self.line.promise.node.pointer

    @property
    def state(self) -> str:
        return BROKEN if self.findings else JUDGED if self.judged else OPEN

    @property
    def place(self) -> str:
        """The operation or component that contains it."""
        return location_of(self.pointer)


@cache
def location_of(pointer: str) -> str:
    for operation in operations(schema_coverage().document).values():
        if pointer == operation.node.pointer or pointer.startswith(f"{operation.node.pointer}/"):
            return f"{operation.method.upper()} {operation.path}"
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return parts[2] if parts[0] == "components" and len(parts) > 2 else parts[1] if parts[0] == "paths" else parts[0]


def entries(target: Target, outcome: Outcome) -> list[Entry]:
    """Return the results of all promises, in the contract's order."""
    coverage, why = outcome.coverage, Reasons(target, outcome)
    findings = outcome.listed
    values: dict[str, list[str]] = {}
    for pointer, value in sorted(coverage.values):
        values.setdefault(pointer, []).append(value)
    found = []
    for line in lines():
        pointer = line.promise.node.pointer
        judged = coverage.judged.get(pointer, Counter())
        numbers = tuple(number for number, each in enumerate(findings, 1) if pointer in each.promises)
        reason = Reason("") if judged or numbers else why.reason_for(line)
        found.append(Entry(line, judged, numbers, tuple(values.get(pointer, ())), reason))
    return found


class Reasons:
    """Determines why promises were not judged."""

    def __init__(self, target: Target, outcome: Outcome) -> None:
        self.target, self.outcome = target, outcome

    def reason_for(self, line: Line) -> Reason:
        node = line.promise.node
        if not line.checks:
            # Promises without checks are listed with their lines.
            return Reason(line.reason, is_in_verdict=True)
        if set(line.checks) <= set(self.target.excluded_checks):
            return Reason(f"EXCLUDE_CHECKS excludes {either(line.checks)}", is_in_verdict=True)
        for reason in (self.operation_reason(node), self.credential_reason(node), self.status_reason(node)):
            if reason is not None:
                return reason
        if node.pointer in self.outcome.coverage.reached and line.promise.kind != "extension":
            return Reason("no check could judge the responses")
        if "/parameters/" in node.pointer and line.promise.kind != "extension":
            return self.parameter_reason(line)
        return self.extension_reason(line) if line.promise.kind == "extension" else self.value_reason(line)

    def operation_reason(self, node: Node) -> Reason | None:
        """For promises about operations that were not tested."""
        about = [name for name, pointers in about_operations().items() if node.pointer in pointers]
        tested = {each.name for each in self.target.tested}
        return (
            Reason(f"{either(about)} was not tested", is_in_verdict=True) if about and not tested & set(about) else None
        )

    def credential_reason(self, node: Node) -> Reason | None:
        for operation in self.target.tested:
            for each in operation.credentials:
                if each.variable not in self.target.secrets and node.pointer in scheme_promises(
                    operation.name, each.scheme
                ):
                    return Reason(f"no {each.variable}", is_in_verdict=True)
        return None

    def status_reason(self, node: Node) -> Reason | None:
        """For promises about responses whose status did not come."""
        about = [each for each in responses() if node.pointer in each.promised]
        if not about or any(each.node.pointer in self.outcome.coverage.reached for each in about):
            return None
        statuses = dict.fromkeys(each.status for each in about)
        for operation in self.target.tested:
            is_foreign = set(statuses) <= set(map(str, operation.refused("access")))
            if is_foreign and not self.target.ids_of(operation).foreign:
                return Reason(f"no FOREIGN_{operation.parent_variable}", is_in_verdict=True)
        return Reason(f"no {either(statuses)} came")

    def parameter_reason(self, line: Line) -> Reason:
        promise = line.promise
        place = re.match(r"#/.*?/parameters/[^/]+", promise.node.pointer)
        holder = promise.node.document.find(place[0]) if place else None
        name = holder.at("name").value if holder else promise.name
        if promise.kind == "parameter":
            return Reason(f"no {name} was sent that is judged")
        if promise.name in ("default", "required"):
            return Reason(f"no request without {name} was judged")
        return Reason(f"no {name} was sent that breaks '{promise.name}'")

    def extension_reason(self, line: Line) -> Reason:
        node = line.promise.node
        for operation in self.target.tested:
            stage = node.at("stage").value
            if stage == ANY and node.pointer.startswith(operation.described.operation.node.pointer):
                # The responses of the contract have a reason of their own.
                return Reason(
                    f"no {either(sorted(operation.transient_statuses))} came",
                    operation.transient_statuses <= operation.statuses,
                )
            if stage == "access" and not self.target.ids_of(operation).foreign:
                return Reason(f"no FOREIGN_{operation.parent_variable}", is_in_verdict=True)
        for name in set(line.checks) & conditions().keys():
            return Reason(f"no value came that satisfies {conditions()[name].condition.source}")
        if set(line.checks) & TRANSITION_RULES:
            return Reason("no item was read twice")
        return Reason("no response came that it is about")

    def value_reason(self, line: Line) -> Reason:
        """For promises about values that did not come."""
        promise, reached = line.promise, self.outcome.coverage.reached
        if promise.kind in ("link", "body"):
            return Reason(f"no request was judged that uses the {promise.kind} {promise.name}")
        component = "/".join(promise.node.pointer.split("/")[:4])
        if not any(each.startswith(f"{component}/") for each in reached):
            return Reason(f"no {location_of(component)} came")
        name, field = value_name(promise.node.pointer)
        if field and f"{promise.node.pointer.rpartition('/properties/')[0]}/properties/{field}" not in reached:
            return Reason(f"no {name} came")
        if promise.name in ELEMENTS or any(f"/{word}/" in promise.node.pointer for word in ELEMENTS):
            return Reason(f"no {name} with elements came")
        if promise.kind == "keyword" and promise.name in KEYWORD_TYPES:
            holder = promise.node.document.find(promise.node.pointer.rpartition("/")[0])
            allowed = type_names(holder.at("type").value) if holder else set()
            kinds = [kind for kind in KEYWORD_TYPES[promise.name] if not allowed or kind in allowed]
            return Reason(f"no {name} came that is {either(f'a {kind}' for kind in kinds)}")
        return Reason(f"no {name} came")


def value_name(pointer: str) -> tuple[str, str]:
    """Return the name of a value in messages, and its field; empty if it has none."""
    before, _, after = pointer.rpartition("/properties/")
    field = after.partition("/")[0]
    return f"{location_of(pointer)}.{field}" if before else location_of(pointer), field


@dataclass(frozen=True)
class StatedResponse:
    """A response in the contract."""

    operation: str
    status: str
    node: Node

    @cached_property
    def promised(self) -> frozenset[str]:
        """The promises about the response alone, or about its body."""
        schemas = schemas_of([self.node])
        return promises_at(self.node.pointer) | {
            each.promise.node.pointer
            for each in lines()
            if {each.promise.node.pointer, *parents(each.promise.node.pointer, 2)} & schemas
        }


def parents(pointer: str, levels: int) -> Iterator[str]:
    for _ in range(levels):
        pointer = pointer.rpartition("/")[0]
        yield pointer


@cache
def responses() -> tuple[StatedResponse, ...]:
    return tuple(
        StatedResponse(each.name, status, node)
        for each in operations(schema_coverage().document).values()
        for status, node in each.responses.items()
    )


@cache
def about_operations() -> dict[str, frozenset[str]]:
    """Return the promises about one operation only, by operation."""
    found = {}
    for each in operations(schema_coverage().document).values():
        sent = schemas_of([*each.parameters.values(), *filter(None, [each.request_body])])
        bodies = frozenset().union(*(stated.promised for stated in responses() if stated.operation == each.name))
        parameters = frozenset().union(*(promises_at(node.pointer) for node in each.parameters.values()))
        found[each.name] = promises_at(each.node.pointer) | bodies | parameters | sent
    return found


@cache
def unprovokable() -> frozenset[str]:
    """Return promises that no request can provoke: those without checks, and those about transient responses."""
    not_now = set(map(str, contract().transient_statuses))
    found = set()
    for line in lines():
        node = line.promise.node
        statuses = {each.status for each in responses() if node.pointer in each.promised}
        is_any = line.promise.kind == "extension" and node.at("stage").value == ANY
        if not line.checks or is_any or (statuses and statuses <= not_now):
            found.add(node.pointer)
    return frozenset(found)


def top_reasons(found: list[Entry], most: int, report: str) -> list[str]:
    """Return the most frequent reasons why promises were not judged, for the verdict.

    Args:
        found: All results.
        most: Maximum number of reasons.
        report: Where the other reasons are.
    """
    counts = Counter(each.reason.text for each in found if each.state == OPEN and not each.reason.is_in_verdict)
    reasons = [f"{reason} ({count_promises(count)})" for reason, count in counts.most_common(most)]
    left = counts.total() - sum(count for _, count in counts.most_common(most))
    return reasons + ([f"{count_promises(left)} more (see {report})"] if left else [])


def count_promises(count: int) -> str:
    return f"{count} promise{'s' if count != 1 else ''}"


def summary(found: list[Entry]) -> str:
    """Return how many promises were judged, and how many of these are broken."""
    states = Counter(each.state for each in found)
    broken = f", {states[BROKEN]} broken" if states[BROKEN] else ""
    return f"{states[JUDGED] + states[BROKEN]} of {len(found)} judged{broken}"


def cited_promises(finding: Finding, found: list[Entry]) -> list[Entry]:
    """Return the promises that a finding is about; without any, those that its check judges."""
    named = [each for each in found if each.pointer in finding.promises]
    return named or [each for each in found if finding.check in each.line.checks]
