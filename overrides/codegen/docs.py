"""`make docs`: the contract as one page that needs nothing but itself; the reference server shows it at `/docs`.

Own rendering, since Redocly's loads its scripts and fonts from elsewhere and needs Node. Nothing of the contract
decides markup: all of it is escaped, and of Markdown only paragraphs and `code` are known.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup, escape

from codegen import PACKAGE, Problem
from codegen.extensions.model import ANY, Described, describe
from codegen.openapi import Document, Node, Operation, as_document, operations
from codegen.text import escaped

# What changes how the rest of a page is shown, or cannot be written: control characters, and marks that turn the
# direction of writing. There is none in the template.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

TEMPLATE = Path(__file__).with_name("docs.html.jinja")


class Row(NamedTuple):
    """A parameter, a field or a header.

    Attributes:
        name: As it is sent.
        notes: What stands beside the name, such as where it is sent and whether it is required.
        kind: The type, with links to the schemas that it is made of.
        limits: Bounds, values and the default, in words.
        text: The description.
    """

    name: str
    notes: list[str]
    kind: Markup
    limits: list[Markup]
    text: Markup


def docs(root: Path) -> int:
    """Writes the page to `docs.html` in REPORT_DIR of the environment."""
    # Here, as the reference server renders without reading YAML this way.
    from codegen.contract import Contract

    page = render(Contract(root / "openapi.yaml").document)
    folder = root / (os.environ.get("REPORT_DIR") or "reports")
    path = folder / "docs.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}", "give another REPORT_DIR") from error
    print(f"Wrote {path.relative_to(root) if path.is_relative_to(root) else path}: open it in a browser.")
    return 0


def render(document: Document | dict[str, Any]) -> str:
    """Returns the page for a contract, as HTML. The same document gives the same bytes."""
    document = as_document(document)
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"text": _text, "pretty": _json}
    # The contract has one operation; the page shows the first.
    ((_, method), operation), *_ = operations(document).items()
    schemas = document.root.at("components").at("schemas")
    described = describe(operation)
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        info=document.value["info"],
        server=(document.value.get("servers") or [{"url": "http://localhost:8000"}])[0],
        package=PACKAGE,
        method=method.upper(),
        path=operation.path,
        operation=operation.node.value,
        credentials=_credentials(operation),
        listed=_listed(described),
        judged=_judged(described),
        at_any_time=[status for stage in described.judged if stage.name == ANY for status in stage.statuses],
        parameters=[_parameter(node) for node in operation.parameters.values()],
        request=_request(operation),
        responses=[_response(status, node) for status, node in operation.node.at("responses").items()],
        schemas=[_schema(name, node) for name, node in schemas.items()],
    )
    return UNSEEN.sub(lambda found: escaped(found[0]), page)


# --- parts of the page ------------------------------------------------------------------------------------------------


def _credentials(operation: Operation) -> list[dict[str, Any]]:
    """Returns each security scheme that suffices, with the header to send."""
    root = operation.node.document.root
    found = []
    for alternative in operation.security.elements():
        for name, _ in alternative.items():
            scheme = root.at("components").at("securitySchemes").at(name).value
            if "scheme" in scheme:
                header = f"Authorization: {scheme['scheme'].capitalize()} <token>"
            else:
                header = f"Cookie: {scheme['name']}=<token>"
            found.append({"name": name, "header": header, "text": _text(scheme.get("description"))})
    return found


def _listed(described: Described) -> list[dict[str, Any]]:
    """Returns what holds of the list: each promise in words, one with a condition with that."""
    if described.listing is None:
        return []
    conditions = {each.where.id: each for each in described.listing.at_most}
    found = []
    for name, message in described.listing.promises.items():
        limit = conditions.get(name)
        condition = f"at most {limit.count} where {limit.where.source}" if limit else ""
        found.append({"text": _text(message), "rule": condition})
    return found


def _judged(described: Described) -> list[dict[str, Any]]:
    """Returns the stages of the judgement of a request, in their order."""
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
    """Returns the rules that a schema, a response or a parameter states."""
    return [
        {"id": str(each.at("id").value), "text": _text(each.at("message").value), "rule": str(each.at("rule").value)}
        for each in holder.at(key).elements()
    ]


def _parameter(node: Node) -> Row:
    schema = node.at("schema")
    notes = [node.value["in"], "required" if node.value.get("required") else "optional"]
    text = [_text(node.value.get("description"))]
    for rule in _rules(node, "x-selects"):
        text += [rule["text"], Markup('<pre class="rule" tabindex="0"><code>{}</code></pre>').format(rule["rule"])]
    return Row(node.value["name"], notes, _kind(schema), _limits(schema), Markup("\n").join(text))


def _request(operation: Operation) -> dict[str, Any]:
    """Returns a sample request: each parameter that has one with its example or its default."""
    path, query, values = operation.path, [], {}
    for node in operation.parameters.values():
        name, where = node.value["name"], node.value["in"]
        value = node.value.get("example", node.at("schema").at("default").value)
        if value is not None:
            values[name] = value
            if where == "path":
                path = path.replace(f"{{{name}}}", str(value))
            elif where == "query":
                query.append(f"{name}={value}")
    return {"path": path, "query": query, "values": values}


def _response(status: str, node: Node) -> dict[str, Any]:
    headers = [
        Row(
            name,
            ["always sent" if header.value.get("required") else "optional"],
            _kind(header.at("schema")),
            _limits(header.at("schema")),
            _text(header.value.get("description")),
        )
        for name, header in node.at("headers").items()
    ]
    media, body = next(iter(node.at("content").items()), ("", None))
    return {
        "status": status,
        "text": _text(node.value.get("description")),
        "headers": headers,
        "rules": _rules(node),
        "media": media,
        "kind": _kind(body.at("schema")) if body else Markup("no body"),
        # A list, as null may be an example too.
        "examples": [body.value["example"]] if body and "example" in body else [],
    }


def _schema(name: str, node: Node) -> dict[str, Any]:
    schema = node.value
    required = schema.get("required", ())
    rows = []
    for field, below in node.at("properties").items():
        said = below.value.get("description") or (below.resolved() or below).value.get("description")
        notes = ["required" if field in required else "optional"]
        rows.append(Row(field, notes, _kind(below), _limits(below), _text(said)))
    return {
        "name": name,
        "text": _text(schema.get("description")),
        "kind": _kind(node),
        "values": schema.get("enum", ()),
        "rows": rows,
        "rules": _rules(node),
        "closed": schema.get("additionalProperties") is False,
    }


# --- words for a schema -----------------------------------------------------------------------------------------------


def _kind(schema: Node) -> Markup:
    """Returns the type of a schema in words."""
    if "$ref" in schema:
        name = schema.value["$ref"].rpartition("/")[2]
        return Markup('<a href="#schema-{0}">{0}</a>').format(name)
    if "anyOf" in schema:
        return Markup(" or ").join(_kind(each) for each in schema.at("anyOf").elements())
    stated = schema.at("type").value or "any value"
    names = [stated] if isinstance(stated, str) else stated
    words = []
    for name in names:
        word = escape(f"{name} ({schema.value['format']})" if name == "string" and "format" in schema else name)
        if name == "array" and "items" in schema:
            word = Markup("array of {}").format(_kind(schema.at("items")))
        words.append(word)
    return Markup(" or ").join(words)


def _limits(schema: Node) -> list[Markup]:
    """Returns what a schema says of its values beyond their type."""
    said = []
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
            said.append(Markup(words).format(Markup("<code>{}</code>").format(_short(schema.value[keyword]))))
    if "enum" in schema:
        values = Markup(", ").join(Markup("<code>{}</code>").format(_short(value)) for value in schema.value["enum"])
        said.append(Markup("one of {}").format(values))
    return said


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _text(text: str | None) -> Markup:
    """Returns a description, if there is one, as paragraphs; what stands in backticks is code."""
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
