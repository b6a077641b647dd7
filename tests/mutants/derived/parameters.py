"""From parameters: what is accepted and must not be, refused and must not be, read as something else, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from codegen.openapi import Node, schema_of
from tests.contract.bodies import smallest_value
from tests.contract.checks.classes import CLASSES
from tests.contract.contract import contract
from tests.contract.filter_values import filter_values
from tests.contract.operation import Operation
from tests.contract.parameter import INVALID, VALID, Parameter

from .asking import (
    ONE_PAGE,
    SOME_VALUES,
    WITH_ANOTHER,
    Rewrite,
    chosen,
    impossible,
    parent_of,
    rewriting,
    titled,
    unknown,
    when,
    with_parent,
)
from .exchange import Asked
from .making import EVERYWHERE, ONE_IN_THREE, Built, Derived, Equivalent, family
from .world import World

IN_QUERY = (EVERYWHERE, ONE_IN_THREE, WITH_ANOTHER)
READ = (EVERYWHERE, SOME_VALUES, WITH_ANOTHER)
IN_PATH = (EVERYWHERE, SOME_VALUES)
UNKNOWN_TEXT = "NO_SUCH_VALUE"
MALFORMED = "malformed"
TEXT = "whatever stands in an address is text"


class Trick(NamedTuple):
    """One way to take a parameter for what it is not."""

    kind: str
    detail: str
    """Which of that kind."""
    promise: str
    rewrite: Callable[[World], Rewrite]
    """Raises Equivalent."""
    wheres: tuple[str, ...] = IN_QUERY
    also: frozenset[str] = frozenset()


@family
def parameters() -> Iterator[Derived]:
    for operation in contract().operations:
        for (place, name), node in operation.parameters.items():
            tricks: list[Trick] = []
            if place == "query":
                tricks = list(of_query(operation, operation.query[name], node))
            elif place == "path":
                tricks = list(of_path(operation, operation.in_path[name], node))
            for trick in tricks:
                for where in trick.wheres:
                    yield Derived(
                        (trick.promise,),
                        trick.kind,
                        where,
                        titled(f"{operation.name}?{name}", trick.detail),
                        partial(built, operation=operation, name=name, trick=trick, where=where),
                    )


def built(world: World, operation: Operation, name: str, trick: Trick, where: str) -> Built:
    return Built(rewriting(operation, trick.rewrite(world), when(where, operation, name)), trick.also)


class Edge(NamedTuple):
    """The last value that a keyword allows, and the first one that it does not."""

    keyword: str
    inner: Any
    outer: Any


def edges(schema: Node) -> Iterator[Edge]:
    bound = {name: node.value for name, node in schema.items()}
    for name, step in (("minimum", -1), ("maximum", 1)):
        if name in bound:
            yield Edge(name, bound[name], bound[name] + step)
    for name, step in (("exclusiveMinimum", 1), ("exclusiveMaximum", -1)):
        if name in bound:
            yield Edge(name, bound[name] + step, bound[name])
    for name, step in (("minLength", -1), ("maxLength", 1)):
        if name in bound:
            yield Edge(name, "x" * bound[name], "x" * (bound[name] + step))
    for name, step in (("minItems", -1), ("maxItems", 1)):
        if name in bound:
            element = schema.at("items").resolved() or schema.at("items")
            one = text_of(element)
            yield Edge(name, [one] * bound[name], [one] * (bound[name] + step))
    for value in bound.get("enum", ()):
        yield Edge("enum", value, UNKNOWN_TEXT)


def text_of(schema: Node) -> Any:
    """A value that is as short as can be: most patterns of texts have a letter."""
    return next((text for text in ("a", "A", "0") if "pattern" in schema), smallest_value(schema))


def texts_of(parameter: Parameter, value: Any) -> tuple[str, ...]:
    """A value as a query has it."""
    written = parameter.serialize(value)
    return tuple(map(str, written)) if isinstance(written, list) else (str(written),)


def of_query(operation: Operation, parameter: Parameter, node: Node) -> Iterator[Trick]:
    name, schema = parameter.name, schema_of(node).resolved() or schema_of(node)
    for number, edge in enumerate(edges(schema)):
        pointer, suffix = schema.at(edge.keyword).pointer, f".{edge.inner}" if edge.keyword == "enum" else ""
        inner, outer = texts_of(parameter, edge.inner), texts_of(parameter, edge.outer)
        yield Trick(
            "edge_refused",
            f"{edge.keyword}{suffix}",
            pointer,
            partial(exchanged, operation, parameter, inner, outer, VALID),
        )
        if edge.keyword != "enum":
            yield Trick(
                "beyond_accepted",
                edge.keyword,
                pointer,
                partial(exchanged, operation, parameter, outer, inner, INVALID),
            )
        elif not number:
            yield Trick("unknown_accepted", "", pointer, partial(read_so, parameter, partial(another, inner[0])))
    yield from readings(parameter, schema)
    for keyword in ("minimum", "maximum"):
        if keyword in schema:
            bound = schema.at(keyword).value
            cut = partial(clamped, keyword, bound)
            yield Trick("clamped", keyword, schema.at(keyword).pointer, partial(read_so, parameter, cut))
    if "default" in schema:
        default = schema.at("default").value
        for step in (1, -1):
            other = texts_of(parameter, default + step) if isinstance(default, int) else ()
            if parameter.judge(list(other)) == VALID and other:
                also = frozenset(CLASSES["paging"])
                rewrite = partial(not_sent_as, name, other)
                yield Trick("another_default", f"{step:+}", schema.at("default").pointer, rewrite, IN_QUERY, also)
    yield Trick("valid_refused", "", node.pointer, partial(refused, parameter, schema), (ONE_IN_THREE, WITH_ANOTHER))
    yield from ignored(operation, parameter, node)


def ignored(operation: Operation, parameter: Parameter, node: Node) -> Iterator[Trick]:
    """Its value is not looked at, or only some values are not."""
    listing, name = operation.listing, parameter.name
    promise, also = node.pointer, frozenset[str]()
    if listing and name in (listing.limit, listing.offset, listing.cursor):
        entries = {listing.limit: "limit", listing.offset: "offset", listing.cursor: "cursor"}
        promise = listing.node.at(entries[name]).pointer
    elif rules := operation.described.selects.get(name, ()):
        promise, also = rules[0].node.pointer, frozenset({*(rule.id for rule in rules), *CLASSES["paging"]})

    def rewrite(world: World, few: bool = False) -> Rewrite:
        if promise == node.pointer:
            raise Equivalent("the contract does not say what its values pick")
        some = values_of(world, operation, parameter)[-1:] if few else []
        dropped = [list(texts_of(parameter, each)) for each in some]

        def rewritten(asked: Asked) -> Asked | None:
            texts = asked.values(name)
            is_so = parameter.judge(texts) == VALID and (not few or texts in dropped)
            return asked.with_value(name) if texts and is_so else None

        return rewritten

    yield Trick("ignored", "", promise, rewrite, IN_QUERY, also)
    yield Trick("one_value_ignored", "", promise, partial(rewrite, few=True), (EVERYWHERE,), also)


def values_of(world: World, operation: Operation, parameter: Parameter) -> list[Any]:
    """Some that are valid, the most telling last."""
    listing = operation.listing
    if listing and parameter.name == listing.limit:
        return list(operation.limits)
    if listing and parameter.name == listing.offset:
        return [operation.limits[-1]]
    if listing and parameter.name == listing.cursor:
        raise Equivalent("cursors are the server's own")
    return filter_values(operation, parameter.name, tuple(world.items(operation)))


def exchanged(
    operation: Operation, parameter: Parameter, sent: tuple[str, ...], taken: tuple[str, ...], due: str, world: World
) -> Rewrite:
    """These texts are answered as those are."""
    name = parameter.name
    if parameter.judge(list(sent)) != due:
        raise Equivalent(f"the contract leaves it to the server what '{', '.join(sent)[:40]}' is")
    one, other = (world.ask(operation, query={name: list(texts)}) for texts in (sent, taken))
    if one.status == other.status:
        raise Equivalent(f"the correct server answers '{', '.join(sent)[:40]}' with {one.status} as well")
    return lambda asked: asked.with_value(name, *taken) if asked.values(name) == list(sent) else None


def read_so(parameter: Parameter, read: Callable[[str], str | None], world: World) -> Rewrite:
    """An invalid text is read as a value; as not sent, where that is empty."""

    def rewrite(asked: Asked) -> Asked | None:
        texts = asked.values(parameter.name)
        if len(texts) != 1 or parameter.judge(texts) != INVALID:
            return None
        text = read(texts[0])
        return None if text is None else asked.with_value(parameter.name, *filter(None, [text]))

    return rewrite


def refused(parameter: Parameter, schema: Node, world: World) -> Rewrite:
    """What is valid is taken for what is not."""
    outer = (texts_of(parameter, edge.outer) for edge in edges(schema))
    found = [texts for texts in ((UNKNOWN_TEXT,), *outer) if parameter.judge(list(texts)) == INVALID]
    if not found:
        raise Equivalent("there is nothing that it must not be")

    def rewrite(asked: Asked) -> Asked | None:
        texts = asked.values(parameter.name)
        is_valid = texts and parameter.judge(texts) == VALID
        return asked.with_value(parameter.name, *found[0]) if is_valid else None

    return rewrite


def not_sent_as(name: str, texts: tuple[str, ...], world: World) -> Rewrite:
    return lambda asked: None if asked.values(name) else asked.with_value(name, *texts)


def another(value: str, text: str) -> str:
    return value


def clamped(keyword: str, bound: int, text: str) -> str | None:
    """An integer beyond a bound as the bound."""
    if not re.fullmatch(r"-?[0-9]{1,40}", text, re.ASCII):
        return None
    return str(bound) if (int(text) < bound if keyword == "minimum" else int(text) > bound) else None


def found_in(pattern: str, text: str) -> str | None:
    found = re.match(pattern, text, re.ASCII)
    return found[1] if found else None


def readings(parameter: Parameter, schema: Node) -> Iterator[Trick]:
    """What careless parsers make of text that is no value."""
    kinds = schema.at("type").value
    is_integer = kinds == "integer" or (isinstance(kinds, list) and "integer" in kinds)
    ways: dict[str, Callable[[str], str | None]] = {}
    if is_integer:
        ways = {
            "fraction_cut": partial(found_in, r"([1-9][0-9]*)\.[0-9]*[1-9]"),
            "rest_cut": partial(found_in, r"([1-9][0-9]*)[^0-9.]"),
            "empty_ignored": lambda text: None if text else "",
            "words_ignored": lambda text: None if re.search(r"\d", text) else "",
            "unreadable_ignored": lambda text: None if re.fullmatch(r"-?\d+", text) else "",
        }
    else:
        ways = {
            "empty_ignored": lambda text: None if text else "",
            "unreadable_ignored": lambda text: "" if text else None,
        }
    keyword = next(word for word in ("items", "format", "enum", "pattern", "type") if word in schema)
    for kind, read in ways.items():
        pointer = schema.at("type" if is_integer else keyword).pointer
        yield Trick("misread", kind, pointer, partial(read_so, parameter, read), READ)
    if kinds in ("string", "array") and keyword != "type":
        # Several are an array of texts, and so is one.
        yield Trick("another_type", "", schema.at("type").pointer, partial(impossible, TEXT), (EVERYWHERE,))


def of_path(operation: Operation, parameter: Parameter, node: Node) -> Iterator[Trick]:
    schema = schema_of(node).resolved() or schema_of(node)
    shape = next((schema.at(word).pointer for word in ("format", "pattern") if word in schema), "")
    kinds = schema.at("type").pointer

    def reading(read: Callable[[World, str], str | None]) -> Callable[[World], Rewrite]:
        def build(world: World) -> Rewrite:
            def rewrite(asked: Asked) -> Asked | None:
                text = read(world, parent_of(operation, asked))
                return None if text is None else with_parent(operation, asked, text)

            return rewrite

        return build

    def invalid(text: str) -> bool:
        return parameter.judge_one(text) == INVALID

    def known_in(world: World, text: str, *, is_end: bool = False) -> str | None:
        """Of a text that is none, the id within."""
        ids = world.target.ids_of(operation).readable
        found = (each for each in ids if each in text and (not is_end or text.startswith(each)))
        return next(found, None) if invalid(text) else None

    def nearly(world: World, text: str) -> str | None:
        ids = world.target.ids_of(operation).readable
        return next((each for each in ids if text in (each[:-1], each[1:])), None) if invalid(text) else None

    def as_unknown(world: World, text: str) -> str | None:
        return unknown(world, operation) if invalid(text) else None

    def capitals(world: World, text: str) -> str | None:
        is_known = text.lower() in world.target.ids_of(operation).readable
        return unknown(world, operation) if is_known and text != text.lower() else None

    def refused(world: World, text: str) -> str | None:
        return MALFORMED if text in world.target.ids_of(operation).readable else None

    def of_link(world: World, text: str) -> str | None:
        return unknown(world, operation) if chosen(text) and not invalid(text) else None

    for source, links in operation.links.items():
        for link in links:
            # What it gives is not there, half of it.
            name, also = f"{link.name}.{source}", frozenset(CLASSES.get("changes", ()))
            yield Trick("given_one_unknown", name, link.node.pointer, reading(of_link), (EVERYWHERE,), also)
    if not operation.is_safe:
        # What is not there cannot be sent to: of what changes something, only that which was made.
        return
    for pointer in (shape, kinds):
        if pointer and invalid(MALFORMED):
            yield Trick("malformed_unknown", "", pointer, reading(as_unknown), IN_PATH)
            yield Trick("malformed_found", "rest_cut", pointer, reading(partial(known_in, is_end=True)), (EVERYWHERE,))
            yield Trick("malformed_found", "within", pointer, reading(known_in), (EVERYWHERE, SOME_VALUES))
            yield Trick("malformed_found", "nearly", pointer, reading(nearly), (EVERYWHERE,))
            break
    if parameter.is_uuid:
        yield Trick("capitals_unknown", "", shape, reading(capitals), (EVERYWHERE,))
    if schema.at("type").value == "string":
        yield Trick("another_type", "", kinds, partial(impossible, TEXT), (EVERYWHERE,))
    if invalid(MALFORMED):
        yield Trick("known_one_malformed", "", node.pointer, reading(refused), (EVERYWHERE, ONE_IN_THREE, ONE_PAGE))
    yield Trick(
        "not_sent",
        "",
        node.at("required").pointer,
        partial(impossible, "an address without it is another one"),
        (EVERYWHERE,),
    )
