"""The contract as data for the testing kit: source that constructs the classes of
overrides/package/_testing/contract.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from codegen.alternatives import tagged
from codegen.cel import RuleError
from codegen.cel.python import Condition, Untranslatable, conditions
from codegen.contract import Contract
from codegen.credentials import credential_of
from codegen.endpoints import Endpoints, ErrorFields
from codegen.extensions.model import Described, Listing, Rule, success_schema
from codegen.models import Models
from codegen.openapi import Node, schema_of
from codegen.openapi.operations import followed_entries
from codegen.paging import Pager

# Keywords of a schema that are prose, or that the kit has in another form.
_OMITTED = ("title", "description", "example", "examples", "deprecated", "x-rules", "discriminator")
_SCHEMAS = "#/components/schemas/"
# The usual order of checks, for an operation without `x-judged`.
_USUAL_ORDER = {"credentials": (401,), "parameters": (422, 400), "existence": (404,), "access": (403,)}


class Raw(str):
    """Python source."""


class KitData:
    """The contract's data for the kit.

    Attributes:
        lists: The lists, by name of the operation.
        resources: By path parameter that does not name an item of a list, its schema.
        limitations: What the kit does not support, each as a sentence; complete after `source`.
    """

    def __init__(
        self,
        contract: Contract,
        endpoints: Endpoints,
        pagers: Sequence[Pager],
        models: Models,
        updated: Mapping[str, Sequence[str]],
    ) -> None:
        """
        Args:
            contract: The contract, with its extensions read.
            endpoints: The operations.
            pagers: The lists.
            models: The models.
            updated: By list, the fields with the time of an item's last change.
        """
        self.limitations: list[str] = []
        self.operations = contract.extensions.operations
        self._contract = contract
        self._pagers = {each.key: each for each in pagers}
        self.lists = {self.operations[key].operation.name: each for key, each in self._pagers.items()}
        self._models = models
        self._said = endpoints.error_fields
        self._views = {key: endpoints.view(key) for key in self.operations}
        self._updated = updated
        # By operation, the path parameter that names an item, and the list of that item.
        self._items = dict(self._item_parameters())
        self.resources = self._resources()

    def source(self) -> str:
        """Return source that constructs the data."""
        schemas = self._contract.model.root.at("components").at("schemas")
        rules = self._contract.extensions.rules.values()
        return _constructor_call(
            "Contract",
            schemas={name: self._schema(node) for name, node in schemas.items()},
            rules={rule.id: made for each in rules for rule, made in self._rules(each)},
            operations=[self._operation(key, each) for key, each in self.operations.items()],
            lists={name: self._listing(pager) for name, pager in self.lists.items()},
            resources={name: self._schema(node) for name, node in self.resources.items()},
        )

    # --- lists and resources ---

    def _item_parameters(self) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
        """Yield the operations whose path names an item of a list, each with the parameter and the list."""
        paths: dict[str, tuple[str, str]] = {}
        for list_name, pager in self.lists.items():
            listing = self.operations[pager.key].listing
            for source in self.operations.values():
                links = [link for by_name in source.links.values() for link in by_name.values()]
                for link, ((place, name), value) in ((each, entry) for each in links for entry in each.sources.items()):
                    is_of_body = (place, value.of, value.place) == ("path", "response", "body")
                    if listing and is_of_body and self._is_key(source, listing, value.pointer):
                        paths.setdefault(link.target.path, (name, list_name))
        for key, described in self.operations.items():
            if described.operation.path in paths:
                yield key, paths[described.operation.path]

    def _is_key(self, source: Described, listing: Listing, pointer: Sequence[str | int]) -> bool:
        """True if a pointer into the responses of an operation leads to the key of an item of a list."""
        names = [str(part) for part in pointer]
        key = listing.key.split(".")
        if source.listing and source.listing.item.pointer == listing.item.pointer:
            items = listing.items.split(".")
            return names[: len(items)] == items and names[len(items) + 1 :] == key
        body = success_schema(source.operation)
        return body is not None and body.followed().pointer == listing.item.pointer and names == key

    def _resources(self) -> dict[str, Node]:
        found: dict[str, Node] = {}
        of_items = {name for name, _ in self._items.values()}
        for key, described in self.operations.items():
            owners = [name for place, name in described.parameters if place == "path"] if key in self._pagers else []
            looked_for = [stage.parameter for stage in described.judged if stage.name == "existence"]
            for name in [*looked_for, *owners]:
                if name not in of_items and ("path", name) in described.parameters:
                    found.setdefault(name, schema_of(described.parameters["path", name]))
        return found

    def _listing(self, pager: Pager) -> Raw:
        described = self.operations[pager.key]
        listing = described.listing
        assert listing is not None
        own = {attribute: name for name, attribute in self._models.attributes(pager.item).items()}
        repeats = {own[attribute]: name for attribute, name in pager.repeats.items() if attribute in own}
        at_most = [
            (each.count, made)
            for each in listing.at_most
            if (made := self._rule(each.where, "self", "lambda self, _, __")) is not None
        ]
        return _constructor_call(
            "Listing",
            noun=pager.noun,
            item=self._schema(listing.item, is_reference=True),
            owners=[name for place, name in described.parameters if place == "path"],
            repeats=repeats,
            key=listing.key,
            at_most=at_most,
            updated=self._updated.get(described.operation.name, []),
        )

    # --- operations ---

    def _operation(self, key: tuple[str, str], described: Described) -> Raw:
        operation, view = described.operation, self._views[key]
        does, listing = self._effect(key, described)
        if not does:
            self.limitations.append(f"`{operation.name}` is not implemented: script it with `next`.")
        for stage in described.judged:
            if stage.name == "state" and stage.statuses != (410,):
                numbers = " or ".join(map(str, stage.statuses))
                what = f"`{operation.name}` never returns {numbers} by itself"
                self.limitations.append(f"{what}: the contract does not define the condition. Script it with `next`.")
        schemes = self._contract.model.root.at("components").at("securitySchemes")
        security = [
            [self._carrier(schemes.at(name), name) for name, _ in alternative.items()]
            for alternative in operation.security.elements()
        ]
        response = operation.responses[str(view.successes[0])]
        headers = {
            name: (self._schema(schema_of(node)), str(node.at("example").value or ""))
            for name, node in followed_entries(response, "headers").items()
            if node.at("required").value is True
        }
        body = operation.request_body
        found = success_schema(operation)
        return _constructor_call(
            "Operation",
            name=operation.name,
            method=operation.method.upper(),
            path=operation.path,
            parameters=[self._parameter(node) for node in described.parameters.values()],
            security=[] if [] in security else security,
            judged=self._judged(described),
            success=view.successes[0],
            answer=None if found is None else self._schema(found),
            refusals={status: self._refusal(operation.responses[str(status)]) for status in view.refusals},
            headers=headers,
            does=does,
            listing=listing,
            paging=self._paging(described),
            item=self._items.get(key, ("", ""))[0],
            selects={
                name: [made for _, made in self._rules(rules, "item")] for name, rules in described.selects.items()
            },
            rules=[made for _, made in self._rules(described.answers.get(str(view.successes[0]), ()), "response")],
            body=None if body is None else self._schema(schema_of(body)),
            body_required=body is not None and body.at("required").value is True,
            location=self._location(described, str(view.successes[0])),
        )

    def _effect(self, key: tuple[str, str], described: Described) -> tuple[str, str]:
        """Return the effect of an operation, and the list that it affects; empty if the contract does not state it."""
        if key in self._pagers:
            return "list", described.operation.name
        method, found = described.operation.method, success_schema(described.operation)
        if key in self._items:
            name = self._items[key][1]
            if method == "delete" and found is None:
                return "delete", name
            listing = next(each.listing for each in self.operations.values() if each.operation.name == name)
            if method == "get" and found is not None and listing and found.followed().pointer == listing.item.pointer:
                return "get", name
        for other in self._pagers:
            listing = self.operations[other].listing
            same = other[0] == key[0] and listing is not None and found is not None
            if method == "post" and same and listing and found and found.followed().pointer == listing.item.pointer:
                return "create", self.operations[other].operation.name
        return "", ""

    def _carrier(self, scheme: Node, name: str) -> Raw:
        found = credential_of(scheme.followed(), name, "kit")
        return _constructor_call("Carrier", header=found.header, prefix=found.prefix, scheme=name)

    def _parameter(self, node: Node) -> Raw:
        return _constructor_call(
            "Parameter",
            name=node.at("name").value,
            where=node.at("in").value,
            schema=self._schema(schema_of(node)),
            required=node.at("required").value is True,
            joined=node.at("explode").value is False,
        )

    def _judged(self, described: Described) -> list[Raw]:
        found = {each.name: each.statuses[0] for each in described.judged if each.name not in ("any", "state")}
        if any(each.name == "state" and 410 in each.statuses for each in described.judged):
            # The only state with a status of its own in HTTP.
            found["gone"] = 410
        if not described.judged:
            stated = described.operation.responses
            usual = {
                name: [each for each in statuses if str(each) in stated] for name, statuses in _USUAL_ORDER.items()
            }
            found = {name: statuses[0] for name, statuses in usual.items() if statuses}
        return [_constructor_call("Stage", name=name, status=status) for name, status in found.items()]

    def _refusal(self, response: Node) -> Raw:
        headers = {
            name: str(node.at("example").value or schema_of(node).at("example").value or "1")
            for name, node in followed_entries(response, "headers").items()
            if node.at("required").value is True
        }
        if not response.at("content").value:
            return _constructor_call("Refusal", headers=headers)
        schema = schema_of(response)
        media = next(node for _, node in response.at("content").items())
        fields = self._error_body_fields(schema)
        return _constructor_call(
            "Refusal", schema=self._schema(schema), example=media.at("example").value, headers=headers, **fields
        )

    def _error_body_fields(self, schema: Node) -> dict[str, str]:
        """Return the fields of an error body, by the contract's names."""
        name = self._models.of(schema) or ""
        found = self._said.get(name, ErrorFields())
        own = {attribute: key for key, attribute in self._models.attributes(name).items()} if name else {}
        of_fault = {}
        if fault := found.item.removeprefix("models.") if "models." in found.item else "":
            of_fault = {attribute: key for key, attribute in self._models.attributes(fault).items()}
        return {
            "detail": own.get(found.detail, ""),
            "faults": own.get(found.faults, ""),
            "loc": of_fault.get(found.loc, ""),
            "msg": of_fault.get(found.msg, ""),
            "kind": found.kind,
        }

    def _paging(self, described: Described) -> Raw | None:
        listing = described.listing
        if listing is None:
            return None
        names = ("items", "limit", "offset", "total", "cursor", "next_cursor", "echoes")
        return _constructor_call("Paging", **{name: getattr(listing, name) for name in names if getattr(listing, name)})

    def _location(self, described: Described, status: str) -> str:
        targets = (link.target for link in described.links.get(status, {}).values())
        return next((each.path for each in targets if each.method == "get"), "")

    # --- rules and schemas ---

    def _rules(self, rules: Iterable[Rule], of: str = "self") -> Iterator[tuple[Rule, Raw]]:
        for rule in rules:
            made = self._rule(rule, of, f"lambda {', '.join([*rule.program.variables, '_'][:3])}")
            if made is not None:
                yield rule, made

    def _rule(self, rule: Rule, of: str, head: str) -> Raw | None:
        """Return a rule; None if the kit cannot evaluate it, which is added to the limitations."""
        try:
            found = conditions(rule.program, of)
        except (Untranslatable, RuleError, RecursionError) as error:
            self.limitations.append(f"The rule `{rule.id}` is not applied: {error}. {rule.message}")
            return None
        of_changes = rule.is_transition
        return _constructor_call(
            "Rule",
            message=rule.message,
            conditions=[_condition(each, head) for each in found],
            of_changes=of_changes,
        )

    def _schema(self, node: Node, is_reference: bool = False) -> Any:
        """Return a schema for the kit: without prose, and with names in place of references."""
        if is_reference:
            return {"$ref": node.followed().pointer.removeprefix(_SCHEMAS)}
        if not isinstance(node.value, dict):
            return node.value
        if "$ref" in node:
            return {"$ref": str(node.value["$ref"]).removeprefix(_SCHEMAS)}
        made: dict[str, Any] = {}
        for key, below in node.items():
            if key == "properties":
                made[key] = {name: self._schema(each) for name, each in below.items()}
            elif key in ("anyOf", "oneOf"):
                made[key] = [self._schema(each) for each in below.elements()]
            elif key in ("items", "additionalProperties"):
                made[key] = self._schema(below)
            elif key not in _OMITTED:
                made[key] = below.value
        if "pattern" in node and (examples := [*(node.at("examples").value or ()), node.at("example").value]) != [None]:
            made["examples"] = [each for each in examples if each is not None]
        if "x-rules" in node:
            made["x-rules"] = [each.at("id").value for each in node.at("x-rules").elements()]
        if (found := tagged(node)) is not None:
            made["tags"] = (found.name, {tag: {"$ref": name} for tag, name in found.tags.items()})
        return made


def _condition(found: Condition, head: str) -> Raw:
    return _constructor_call("Condition", holds=Raw(f"{head}: {found.source}"), reads=found.reads, texts=found.texts)


def _constructor_call(name: str, /, **arguments: Any) -> Raw:
    """Return source that constructs one of the kit's data classes. Empty values are omitted if they are the default."""
    needed = {"schemas", "rules", "operations", "lists", "resources", "answer", "security", "judged", "parameters"}
    needed |= {"refusals", "item", "owners", "repeats", "conditions", "prefix"}
    kept = {
        key: value for key, value in arguments.items() if value not in ("", None, [], {}, (), False) or key in needed
    }
    return Raw(f"contract.{name}({', '.join(f'{key}={_literal(value)}' for key, value in kept.items())})")


def _literal(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_literal(each)}" for key, each in value.items()) + "}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return repr(value)
