"""`make docs`: renders the contract as one self-contained page. The reference server serves it at `/docs`.

Redocly is not used: its pages load scripts and fonts from other hosts, and it needs Node. All text of the contract is
escaped. Of Markdown, only paragraphs and `code` are rendered.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from codegen import PACKAGE, Problem
from codegen.credentials import variable_of
from codegen.docs_samples import credential_header, literal, samples
from codegen.extensions import Link
from codegen.extensions.model import ANY, Described, describe
from codegen.html_page import render_page
from codegen.openapi import Document, Node, Operation, as_document, operations, schema_of
from codegen.openapi.operations import followed_entries

TEMPLATE = Path(__file__).with_name("docs.html.jinja")


class Row(NamedTuple):
    """A parameter, a field or a header.

    Attributes:
        name: The name.
        notes: Labels beside the name, such as `query` and `required`.
        kind: The type, with links to schemas.
        limits: Bounds, values and default, in words.
        text: The description.
    """

    name: str
    notes: list[str]
    kind: Markup
    limits: list[Markup]
    text: Markup


def docs(root: Path) -> int:
    """Write the page to `docs.html` in REPORT_DIR of the environment."""
    # A local import: the reference server calls `render` with a document of its own.
    from codegen.contract import Contract

    page = render(Contract(root / "openapi.yaml").document)
    folder = root / (os.environ.get("REPORT_DIR") or "reports")
    path = folder / "docs.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}", "use another REPORT_DIR") from error
    print(f"Wrote {path.relative_to(root) if path.is_relative_to(root) else path}: open it in a browser.")
    return 0


def render(document: Document | dict[str, Any]) -> str:
    """Return the HTML page for a contract. The same document gives the same bytes."""
    document = as_document(document)
    schemas = document.root.at("components").at("schemas")
    found = list(operations(document).values())
    servers = document.value.get("servers") or [{"url": "http://localhost:8000"}]
    return render_page(
        TEMPLATE,
        filters={"text": _text, "pretty": _json},
        info=document.value["info"],
        servers=servers,
        package=PACKAGE,
        credentials=_credentials(found),
        variables=_variables(found),
        operations=[_operation(each, str(servers[0].get("url", "")), len(found) > 1) for each in found],
        schemas=[_schema(name, node) for name, node in schemas.items()],
    )


# --- parts of the page ------------------------------------------------------------------------------------------------


def _operation(operation: Operation, address: str, is_one_of_several: bool) -> dict[str, Any]:
    """Return the template's values for an operation. With several operations, anchors have its name as a prefix."""
    described = describe(operation)
    prefix = f"{_anchor(operation)}-" if is_one_of_several else ""
    return {
        "prefix": prefix,
        "at": prefix.removesuffix("-") or "operation",
        "method": operation.method.upper(),
        "path": operation.path,
        "node": operation.node.value,
        "summary": operation.node.value.get("summary") or (operation.name if is_one_of_several else "Operation"),
        "accepted_credentials": _accepted_credentials(operation, is_one_of_several),
        "listed": _list_promises(described),
        "judged": _judgement_stages(described),
        "at_any_time": [status for stage in described.judged if stage.name == ANY for status in stage.statuses],
        "parameters": [_parameter(node) for node in operation.parameters.values()],
        "body": _body(operation.request_body),
        "samples": samples(described, address),
        "responses": [
            _response(described, prefix, status, node)
            for status, node in followed_entries(operation.node, "responses").items()
        ],
    }


def _anchor(operation: Operation) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", operation.name).strip("-")


def _credentials(found: list[Operation]) -> list[dict[str, Any]]:
    """Return the security schemes that operations use, with the header to send."""
    schemes = {
        name: found[0].node.document.root.at("components").at("securitySchemes").at(name)
        for operation in found
        for alternative in operation.security.elements()
        for name, _ in alternative.items()
    }
    return [
        {
            "name": name,
            "sent": credential_header(scheme, "<token>"),
            "carrier": str(scheme.at("name").value),
            "text": _text(scheme.at("description").value),
        }
        for name, scheme in schemes.items()
    ]


def _variables(found: list[Operation]) -> list[str]:
    """Return the environment variables for the client's address and credentials."""
    named = [variable_of(PACKAGE, "base_url")]
    for each in _credentials(found):
        is_key = each["sent"].partition(":")[0] != "Authorization"
        word = re.sub(r"\W", "_", each["carrier"].lower()).removeprefix("x_") if is_key else "token"
        named.append(variable_of(PACKAGE, word))
    return list(dict.fromkeys(named))


def _accepted_credentials(operation: Operation, by_name: bool) -> Markup:
    """Return the credentials that an operation accepts, in words; without names if the page lists them below."""
    found = [[name for name, _ in each.items()] for each in operation.security.elements()]
    if not any(found):
        return Markup("None.")
    if not by_name and all(len(names) == 1 for names in found):
        return Markup("Either of these is enough.") if len(found) > 1 else Markup("Required.")
    return Markup(", or ").join(
        Markup(" with ").join(Markup("<code>{}</code>").format(name) for name in names) or Markup("none")
        for names in found
    )


def _list_promises(described: Described) -> list[dict[str, Any]]:
    """Return the promises about the list, each with its condition if it has one."""
    if described.listing is None:
        return []
    conditions = {each.where.id: each for each in described.listing.at_most}
    found = []
    for name, message in described.listing.promises.items():
        limit = conditions.get(name)
        condition = f"at most {limit.count} where {limit.where.source}" if limit else ""
        found.append({"text": _text(message), "rule": condition})
    return found


def _judgement_stages(described: Described) -> list[dict[str, Any]]:
    """Return the stages in which a request is checked, in order."""
    return [
        {
            "name": stage.name,
            "parameter": stage.parameter,
            "statuses": [(status, str(status) in described.operation.responses) for status in stage.statuses],
            "hides": stage.hides_other_tenants,
        }
        for stage in described.judged
        if stage.name != ANY
    ]


def _rules(holder: Node, key: str = "x-rules") -> list[dict[str, Any]]:
    """Return the rules of a schema, a response or a parameter."""
    return [
        {"id": str(each.at("id").value), "text": _text(each.at("message").value), "rule": str(each.at("rule").value)}
        for each in holder.at(key).elements()
    ]


def _parameter(node: Node) -> Row:
    schema = schema_of(node)
    notes = [node.value["in"], "required" if node.value.get("required") else "optional", *_deprecated(node)]
    text = [_text(node.value.get("description"))]
    for rule in _rules(node, "x-selects"):
        text += [rule["text"], Markup('<pre class="rule" tabindex="0"><code>{}</code></pre>').format(rule["rule"])]
    limits = [*_bounds(schema), *_list_format(node, schema)]
    return Row(node.value["name"], notes, _type_in_words(schema), limits, Markup("\n").join(filter(None, text)))


def _list_format(node: Node, schema: Node) -> list[Markup]:
    """Return how several values are sent, such as `a,b`."""
    name, where = str(node.value["name"]), node.value["in"]
    if "array" not in _types(schema):
        return []
    is_repeated = node.value.get("explode", where in ("query", "cookie"))
    separator = f"&{name}=" if where == "query" and is_repeated else ","
    begin = f"{name}=" if where in ("query", "cookie") else ""
    return [Markup("several as <code>{}</code>").format(f"{begin}a{separator}b")]


def _deprecated(node: Node) -> list[str]:
    return ["deprecated"] if node.at("deprecated").value is True else []


def _body(node: Node | None) -> dict[str, Any] | None:
    if node is None:
        return None
    return {
        "text": _text(node.at("description").value),
        "notes": ["required" if node.at("required").value is True else "optional"],
        "media": [_media(name, media) for name, media in followed_entries(node, "content").items()],
    }


def _media(name: str, node: Node) -> dict[str, Any]:
    """Return a media type with its schema and all its examples."""
    examples = [("", node.value["example"])] if "example" in node else []
    for key, example in followed_entries(node, "examples").items():
        if "value" in example:
            examples.append((str(example.at("summary").value or key), example.value["value"]))
    return {
        "name": name,
        "kind": _type_in_words(node.at("schema")) if "schema" in node else Markup(""),
        "examples": examples,
    }


def _response(described: Described, prefix: str, status: str, node: Node) -> dict[str, Any]:
    headers = [
        Row(
            name,
            ["always sent" if header.value.get("required") else "optional", *_deprecated(header)],
            _type_in_words(schema_of(header)),
            _bounds(schema_of(header)),
            _text(header.value.get("description")),
        )
        for name, header in followed_entries(node, "headers").items()
    ]
    media = [_media(name, each) for name, each in followed_entries(node, "content").items()]
    return {
        "status": status,
        "id": f"{prefix}response-{status}",
        "text": _text(node.value.get("description")),
        "headers": headers,
        "rules": _rules(node),
        "media": media,
        "kind": Markup(" or ").join(each["kind"] for each in media if each["kind"]) or Markup("no body"),
        "links": [_link(each) for each in described.links.get(status, {}).values()],
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "at": _anchor(link.target) if len(operations(link.node.document)) > 1 else "operation",
        "name": link.target.name,
        "text": _text(link.node.at("description").value),
        "values": [(name, literal(source.node.value)) for (_, name), source in link.sources.items()],
    }


def _schema(name: str, node: Node) -> dict[str, Any]:
    schema = node.value
    required = schema.get("required", ())
    rows = []
    for field, below in node.at("properties").items():
        description = below.value.get("description") or (below.resolved() or below).value.get("description")
        notes = ["required" if field in required else "optional", *_deprecated(below)]
        rows.append(Row(field, notes, _type_in_words(below), _bounds(below), _text(description)))
    return {
        "name": name,
        "text": _text(schema.get("description")),
        "kind": _type_in_words(node),
        "values": schema.get("enum", ()),
        "limits": [] if "enum" in schema else _bounds(node),
        "discriminator": _discriminator(node),
        "rows": rows,
        "rules": _rules(node),
        "closed": schema.get("additionalProperties") is False,
    }


# --- words for a schema -----------------------------------------------------------------------------------------------


def _discriminator(schema: Node) -> Markup:
    """Return the discriminator of a schema in words; empty if there is none."""
    field = schema.at("discriminator").at("propertyName").value
    if not isinstance(field, str):
        return Markup("")
    mapped = [
        Markup("<code>{}</code> is {}").format(value, _type_in_words(_reference(schema, str(node.value))))
        for value, node in schema.at("discriminator").at("mapping").items()
    ]
    start = Markup("Selected by <code>{}</code>").format(field)
    return Markup("{}: {}.").format(start, Markup(", ").join(mapped)) if mapped else Markup("{}.").format(start)


def _reference(beside: Node, target: str) -> Node:
    """Return the schema that a discriminator names, by `$ref` or by name."""
    full = target if "/" in target else f"#/components/schemas/{target}"
    return Node(beside.document, {"$ref": full}, beside.pointer)


def _types(schema: Node) -> list[str]:
    stated = (schema.resolved() or schema).at("type").value
    return [stated] if isinstance(stated, str) else list(stated or ())


def _type_in_words(schema: Node) -> Markup:
    """Return the type of a schema in words."""
    if "$ref" in schema:
        name = schema.value["$ref"].rpartition("/")[2]
        return Markup('<a href="#schema-{0}">{0}</a>').format(name)
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return Markup(" or ").join(_type_in_words(each) for each in schema.at(keyword).elements())
    stated = schema.at("type").value or "any value"
    names = [stated] if isinstance(stated, str) else stated
    words = []
    for name in names:
        has_format = name in ("string", "integer", "number") and "format" in schema
        word = escape(f"{name} ({schema.value['format']})" if has_format else name)
        if name == "array" and "items" in schema:
            word = Markup("array of {}").format(_type_in_words(schema.at("items")))
        elif name == "object" and isinstance(schema.at("additionalProperties").value, dict):
            word = Markup("object of {}").format(_type_in_words(schema.at("additionalProperties")))
        words.append(word)
    return Markup(" or ").join(words)


def _bounds(schema: Node) -> list[Markup]:
    """Return the bounds, values and default of a schema in words."""
    bounds = []
    for words, keyword in (
        ("at least {}", "minimum"),
        ("more than {}", "exclusiveMinimum"),
        ("at most {}", "maximum"),
        ("less than {}", "exclusiveMaximum"),
        ("a multiple of {}", "multipleOf"),
        ("at least {} characters", "minLength"),
        ("at most {} characters", "maxLength"),
        ("matches {}", "pattern"),
        ("at least {} items", "minItems"),
        ("at most {} items", "maxItems"),
        ("default {}", "default"),
    ):
        if keyword in schema:
            bounds.append(Markup(words).format(Markup("<code>{}</code>").format(literal(schema.value[keyword]))))
    if "const" in schema:
        bounds.append(Markup("always <code>{}</code>").format(literal(schema.value["const"])))
    if "enum" in schema:
        values = Markup(", ").join(Markup("<code>{}</code>").format(literal(value)) for value in schema.value["enum"])
        bounds.append(Markup("one of {}").format(values))
    return bounds


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _text(text: str | None) -> Markup:
    """Return a description as HTML: paragraphs, and backticks as code. Empty without a description."""
    if not text:
        return Markup("")
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        parts = re.split(r"`([^`]*)`", " ".join(paragraph.split()))
        marked = [
            Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
        ]
        paragraphs.append(Markup("<p>{}</p>").format(Markup("").join(marked)))
    return Markup("\n").join(paragraphs)
