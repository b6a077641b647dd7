"""Mutants of request parameters: invalid values accepted, valid values refused, values misread or ignored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from codegen.openapi import Node, schema_of
from tests.contract.checks.classes import CLASSES
from tests.contract.contract import contract
from tests.contract.filter_values import filter_values
from tests.contract.operation import Operation
from tests.contract.parameter import INVALID, VALID, Parameter

from .base import EVERYWHERE, ONE_IN_THREE, BuiltMutant, DerivedMutant, Equivalent, family
from .baseline import Baseline
from .boundaries import UNKNOWN_TEXT, boundaries, query_texts
from .middleware import HttpRequest
from .reroute import (
    ONE_PAGE,
    SOME_VALUES,
    WITH_ANOTHER,
    Rewrite,
    condition_for,
    is_in_half,
    parent_of,
    raise_equivalent,
    rewrite_requests,
    title_with,
    unknown_parent,
    with_parent,
)

QUERY_WHERES = (EVERYWHERE, ONE_IN_THREE, WITH_ANOTHER)
MISREAD_WHERES = (EVERYWHERE, SOME_VALUES, WITH_ANOTHER)
PATH_WHERES = (EVERYWHERE, SOME_VALUES)
MALFORMED = "malformed"
Read = Callable[[str], str | None]
"""Returns the value that an invalid text is read as: empty if it is ignored, None if it is refused."""
ReadId = Callable[[Baseline, str], str | None]
"""Returns the id that is used in place of the one in the path; None keeps it."""
ALWAYS_TEXT = "everything in a URL is text"


class ParameterMutator(NamedTuple):
    """One way to read a parameter wrongly."""

    kind: str
    detail: str
    """Tells apart several of one kind."""
    promise: str
    """A JSON pointer."""
    rewrite: Callable[[Baseline], Rewrite]
    """Raises Equivalent."""
    wheres: tuple[str, ...] = QUERY_WHERES
    also_failing: frozenset[str] = frozenset()


@family
def parameters() -> Iterator[DerivedMutant]:
    for operation in contract().operations:
        for (place, name), node in operation.parameters.items():
            mutators: list[ParameterMutator] = []
            if place == "query":
                mutators = list(query_mutators(operation, operation.query[name], node))
            elif place == "path":
                mutators = list(path_mutators(operation, operation.in_path[name], node))
            for mutator in mutators:
                for where in mutator.wheres:
                    yield DerivedMutant(
                        (mutator.promise,),
                        mutator.kind,
                        where,
                        title_with(f"{operation.name}?{name}", mutator.detail),
                        partial(build_mutant, operation=operation, name=name, mutator=mutator, where=where),
                    )


def build_mutant(
    baseline: Baseline, operation: Operation, name: str, mutator: ParameterMutator, where: str
) -> BuiltMutant:
    return BuiltMutant(
        rewrite_requests(operation, mutator.rewrite(baseline), condition_for(where, operation, name)),
        mutator.also_failing,
    )


def query_mutators(operation: Operation, parameter: Parameter, node: Node) -> Iterator[ParameterMutator]:
    schema = schema_of(node).resolved() or schema_of(node)
    yield from boundary_mutators(operation, parameter, schema)
    yield from misread_mutators(parameter, schema)
    yield from clamp_mutators(parameter, schema)
    yield from default_mutators(parameter, schema)
    refuse = partial(refuse_valid, parameter, schema)
    yield ParameterMutator("valid_refused", "", node.pointer, refuse, (ONE_IN_THREE, WITH_ANOTHER))
    yield from ignored_mutators(operation, parameter, node)


def boundary_mutators(operation: Operation, parameter: Parameter, schema: Node) -> Iterator[ParameterMutator]:
    for number, boundary in enumerate(boundaries(schema)):
        keyword, pointer = boundary.keyword, schema.at(boundary.keyword).pointer
        valid = query_texts(parameter, boundary.last_valid)
        invalid = query_texts(parameter, boundary.first_invalid)
        refuse = partial(swap_values, operation, parameter, valid, invalid, VALID)
        accept = partial(swap_values, operation, parameter, invalid, valid, INVALID)
        if keyword != "enum":
            yield ParameterMutator("edge_refused", keyword, pointer, refuse)
            yield ParameterMutator("beyond_accepted", keyword, pointer, accept)
            continue
        yield ParameterMutator("edge_refused", f"{keyword}.{boundary.last_valid}", pointer, refuse)
        if number == 0:
            accept_unknown = partial(misread, parameter, partial(replace_text, valid[0]))
            yield ParameterMutator("unknown_accepted", "", pointer, accept_unknown)


def clamp_mutators(parameter: Parameter, schema: Node) -> Iterator[ParameterMutator]:
    for keyword in ("minimum", "maximum"):
        if keyword in schema:
            bound = schema.at(keyword)
            rewrite = partial(misread, parameter, partial(clamp, keyword, bound.value))
            yield ParameterMutator("clamped", keyword, bound.pointer, rewrite)


def default_mutators(parameter: Parameter, schema: Node) -> Iterator[ParameterMutator]:
    default = schema.at("default")
    if not isinstance(default.value, int):
        return
    for step in (1, -1):
        texts = query_texts(parameter, default.value + step)
        if parameter.judge(list(texts)) == VALID:
            rewrite = partial(send_default, parameter.name, texts)
            also_failing = frozenset(CLASSES["paging"])
            yield ParameterMutator("another_default", f"{step:+}", default.pointer, rewrite, QUERY_WHERES, also_failing)


def ignored_mutators(operation: Operation, parameter: Parameter, node: Node) -> Iterator[ParameterMutator]:
    """The parameter is ignored, or only one of its values is."""
    listing, name = operation.listing, parameter.name
    promise, also_failing = node.pointer, frozenset[str]()
    if listing and name in (listing.limit, listing.offset, listing.cursor):
        entries = {listing.limit: "limit", listing.offset: "offset", listing.cursor: "cursor"}
        promise = listing.node.at(entries[name]).pointer
    elif rules := operation.described.selects.get(name, ()):
        promise, also_failing = rules[0].node.pointer, frozenset({*(rule.id for rule in rules), *CLASSES["paging"]})

    def ignore(baseline: Baseline, only_one: bool = False) -> Rewrite:
        if promise == node.pointer:
            raise Equivalent("the contract does not say which items its values select")
        some = sample_values(baseline, operation, parameter)[-1:] if only_one else []
        ignored = [list(query_texts(parameter, each)) for each in some]

        def rewrite(request: HttpRequest) -> HttpRequest | None:
            texts = request.values(name)
            is_ignored = parameter.judge(texts) == VALID and (not only_one or texts in ignored)
            return request.with_value(name) if texts and is_ignored else None

        return rewrite

    ignore_one = partial(ignore, only_one=True)
    yield ParameterMutator("ignored", "", promise, ignore, QUERY_WHERES, also_failing)
    yield ParameterMutator("one_value_ignored", "", promise, ignore_one, (EVERYWHERE,), also_failing)


def sample_values(baseline: Baseline, operation: Operation, parameter: Parameter) -> list[Any]:
    """Return valid values; the last one changes the response most."""
    listing = operation.listing
    if listing and parameter.name == listing.limit:
        return list(operation.limits)
    if listing and parameter.name == listing.offset:
        return [operation.limits[-1]]
    if listing and parameter.name == listing.cursor:
        raise Equivalent("only the server knows valid cursors")
    return filter_values(operation, parameter.name, tuple(baseline.items(operation)))


def swap_values(
    operation: Operation,
    parameter: Parameter,
    sent: tuple[str, ...],
    forwarded: tuple[str, ...],
    verdict: str,
    baseline: Baseline,
) -> Rewrite:
    """Forward other texts than were sent. Raises Equivalent unless the contract has that verdict on what was sent."""
    name, shown = parameter.name, ", ".join(sent)[:40]
    if parameter.judge(list(sent)) != verdict:
        raise Equivalent(f"the contract does not say whether '{shown}' is valid")
    before, after = (baseline.fetch(operation, query={name: list(texts)}) for texts in (sent, forwarded))
    if before.status == after.status:
        raise Equivalent(f"the correct server answers '{shown}' with {before.status} as well")
    return lambda request: request.with_value(name, *forwarded) if request.values(name) == list(sent) else None


def misread(parameter: Parameter, read: Read, baseline: Baseline) -> Rewrite:
    """Read an invalid text as a value."""

    def rewrite(request: HttpRequest) -> HttpRequest | None:
        texts = request.values(parameter.name)
        if len(texts) != 1 or parameter.judge(texts) != INVALID:
            return None
        text = read(texts[0])
        return None if text is None else request.with_value(parameter.name, *filter(None, [text]))

    return rewrite


def refuse_valid(parameter: Parameter, schema: Node, baseline: Baseline) -> Rewrite:
    """Forward an invalid value in place of each valid one."""
    beyond = (query_texts(parameter, boundary.first_invalid) for boundary in boundaries(schema))
    invalid = next((texts for texts in ((UNKNOWN_TEXT,), *beyond) if parameter.judge(list(texts)) == INVALID), None)
    if invalid is None:
        raise Equivalent("no value is invalid")

    def rewrite(request: HttpRequest) -> HttpRequest | None:
        texts = request.values(parameter.name)
        is_valid = texts and parameter.judge(texts) == VALID
        return request.with_value(parameter.name, *invalid) if is_valid else None

    return rewrite


def send_default(name: str, texts: tuple[str, ...], baseline: Baseline) -> Rewrite:
    """Add the parameter to requests that lack it."""
    return lambda request: None if request.values(name) else request.with_value(name, *texts)


def replace_text(value: str, text: str) -> str:
    return value


def clamp(keyword: str, bound: int, text: str) -> str | None:
    """Read an integer beyond a bound as the bound."""
    if not re.fullmatch(r"-?[0-9]{1,40}", text, re.ASCII):
        return None
    return str(bound) if (int(text) < bound if keyword == "minimum" else int(text) > bound) else None


def match_prefix(pattern: str, text: str) -> str | None:
    found = re.match(pattern, text, re.ASCII)
    return found[1] if found else None


def misread_mutators(parameter: Parameter, schema: Node) -> Iterator[ParameterMutator]:
    """Invalid texts are read as lenient parsers read them."""
    kinds = schema.at("type").value
    is_integer = kinds == "integer" or (isinstance(kinds, list) and "integer" in kinds)
    parsers: dict[str, Read]
    if is_integer:
        parsers = {
            "fraction_cut": partial(match_prefix, r"([1-9][0-9]*)\.[0-9]*[1-9]"),
            "rest_cut": partial(match_prefix, r"([1-9][0-9]*)[^0-9.]"),
            "empty_ignored": lambda text: None if text else "",
            "words_ignored": lambda text: None if re.search(r"\d", text) else "",
            "unreadable_ignored": lambda text: None if re.fullmatch(r"-?\d+", text) else "",
        }
    else:
        parsers = {
            "empty_ignored": lambda text: None if text else "",
            "unreadable_ignored": lambda text: "" if text else None,
        }
    keyword = next(word for word in ("items", "format", "enum", "pattern", "type") if word in schema)
    pointer = schema.at("type" if is_integer else keyword).pointer
    for kind, read in parsers.items():
        yield ParameterMutator("misread", kind, pointer, partial(misread, parameter, read), MISREAD_WHERES)
    if kinds in ("string", "array") and keyword != "type":
        # One text, or several, is a valid array of texts.
        impossible = partial(raise_equivalent, ALWAYS_TEXT)
        yield ParameterMutator("another_type", "", schema.at("type").pointer, impossible, (EVERYWHERE,))


@dataclass(frozen=True)
class PathParameter:
    """Wrong ways to read the id in the path."""

    operation: Operation
    parameter: Parameter

    def known(self, baseline: Baseline) -> tuple[str, ...]:
        return tuple(baseline.target.ids_of(self.operation).readable)

    def is_invalid(self, text: str) -> bool:
        return self.parameter.judge_one(text) == INVALID

    def rewrite(self, read: ReadId, baseline: Baseline) -> Rewrite:
        def rewrite(request: HttpRequest) -> HttpRequest | None:
            text = read(baseline, parent_of(self.operation, request))
            return None if text is None else with_parent(self.operation, request, text)

        return rewrite

    def id_within(self, baseline: Baseline, text: str) -> str | None:
        if not self.is_invalid(text):
            return None
        return next((each for each in self.known(baseline) if each in text), None)

    def id_at_start(self, baseline: Baseline, text: str) -> str | None:
        if not self.is_invalid(text):
            return None
        return next((each for each in self.known(baseline) if text.startswith(each)), None)

    def id_lacking_one_character(self, baseline: Baseline, text: str) -> str | None:
        if not self.is_invalid(text):
            return None
        return next((each for each in self.known(baseline) if text in (each[:-1], each[1:])), None)

    def malformed_as_unknown(self, baseline: Baseline, text: str) -> str | None:
        return unknown_parent(baseline, self.operation) if self.is_invalid(text) else None

    def upper_case_as_unknown(self, baseline: Baseline, text: str) -> str | None:
        is_upper = text != text.lower() and text.lower() in self.known(baseline)
        return unknown_parent(baseline, self.operation) if is_upper else None

    def known_as_malformed(self, baseline: Baseline, text: str) -> str | None:
        return MALFORMED if text in self.known(baseline) else None

    def half_as_unknown(self, baseline: Baseline, text: str) -> str | None:
        is_lost = is_in_half(text) and not self.is_invalid(text)
        return unknown_parent(baseline, self.operation) if is_lost else None


def path_mutators(operation: Operation, parameter: Parameter, node: Node) -> Iterator[ParameterMutator]:
    schema = schema_of(node).resolved() or schema_of(node)
    in_path = PathParameter(operation, parameter)
    text_type = schema.at("type").pointer
    shape = next((schema.at(word).pointer for word in ("format", "pattern") if word in schema), "")

    def reading(
        kind: str,
        detail: str,
        promise: str,
        read: ReadId,
        wheres: tuple[str, ...] = (EVERYWHERE,),
        also_failing: tuple[str, ...] = (),
    ) -> ParameterMutator:
        rewrite = partial(in_path.rewrite, read)
        return ParameterMutator(kind, detail, promise, rewrite, wheres, frozenset(also_failing))

    for source, links in operation.links.items():
        for link in links:
            # Half of the ids that the link leads to are not found.
            detail, changes = f"{link.name}.{source}", CLASSES.get("changes", ())
            read = in_path.half_as_unknown
            yield reading("given_one_unknown", detail, link.node.pointer, read, also_failing=changes)
    if not operation.is_safe:
        # The contract run sends unsafe requests only to items that it created itself.
        return
    promise = shape or text_type
    if promise and in_path.is_invalid(MALFORMED):
        yield reading("malformed_unknown", "", promise, in_path.malformed_as_unknown, PATH_WHERES)
        yield reading("malformed_found", "rest_cut", promise, in_path.id_at_start)
        yield reading("malformed_found", "within", promise, in_path.id_within, PATH_WHERES)
        yield reading("malformed_found", "nearly", promise, in_path.id_lacking_one_character)
    if parameter.is_uuid:
        yield reading("capitals_unknown", "", shape, in_path.upper_case_as_unknown)
    if schema.at("type").value == "string":
        impossible = partial(raise_equivalent, ALWAYS_TEXT)
        yield ParameterMutator("another_type", "", text_type, impossible, (EVERYWHERE,))
    if in_path.is_invalid(MALFORMED):
        wheres = (EVERYWHERE, ONE_IN_THREE, ONE_PAGE)
        yield reading("known_one_malformed", "", node.pointer, in_path.known_as_malformed, wheres)
    impossible = partial(raise_equivalent, "a URL without it is another URL")
    yield ParameterMutator("not_sent", "", node.at("required").pointer, impossible, (EVERYWHERE,))
