"""Operations for the templates: edits of the second contract are rendered, or refused with line and reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codegen import ROOT, Problem, render
from codegen.contract import Contract
from codegen.endpoints import Argument, Endpoints, View, error_name
from codegen.models import Models

BOARD = (ROOT / "tests/board/openapi.yaml").read_text(encoding="utf-8")


def read(tmp_path: Path, *edits: tuple[str, str]) -> tuple[Endpoints, dict[str, View], Models]:
    """Return the endpoints, the views by operation, and the models of the edited contract."""
    text = BOARD
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "openapi.yaml"
    path.write_text(text, encoding="utf-8")
    contract = Contract(path, with_extensions=False)
    data, _ = render._parse(contract, ROOT / "overrides", tmp_path)
    models = Models(contract, ROOT / "overrides/models.yaml")
    endpoints = Endpoints(contract, models)
    found = {}
    for collection in data.endpoint_collections_by_tag.values():
        for endpoint in collection.endpoints:
            endpoints.add(endpoint, {})
            found[str(endpoint.name)] = endpoints(endpoint)
    return endpoints, found, models


def argument(view: View, name: str) -> Argument:
    return next(each for each in view.arguments if each.name == name)


PARAMETER = "        - name: updated_since\n          in: query\n"


def further(schema: str, rest: str = "", where: str = "query") -> tuple[str, str]:
    """Return an edit that adds a parameter `extra` to the list of tasks."""
    return PARAMETER, f"        - {{name: extra, in: {where}, {rest}schema: {schema}}}\n{PARAMETER}"


ARRIVE: dict[str, tuple[tuple[str, str], str, str | None, str]] = {
    "a number": (
        further("{type: number, exclusiveMinimum: 0, multipleOf: 0.5}"),
        "float | None | Unset",
        "UNSET",
        "_inputs.number('extra', extra, above=0, step=0.5)",
    ),
    "a Boolean that is required": (
        further("{type: boolean}", "required: true, "),
        "bool",
        None,
        "_inputs.boolean('extra', extra)",
    ),
    "text": (
        further("{type: [string, 'null'], minLength: 2, maxLength: 9}"),
        "str | None | Unset",
        "UNSET",
        "_inputs.text('extra', extra, least=2, most=9)",
    ),
    "a date": (further("{type: string, format: date}"), "date | None | Unset", "UNSET", "_inputs.day('extra', extra)"),
    "an enum in place": (
        further('{type: string, enum: [a, "it\'s"], default: a}'),
        "Literal['a', \"it's\"] | None | Unset",
        "'a'",
        "_inputs.choice('extra', extra, ('a', \"it's\"))",
    ),
    "a list of an enum": (
        further("{type: array, minItems: 1, items: {$ref: '#/components/schemas/TaskStatus'}}"),
        "Sequence[models.TaskStatus | Literal['OPEN', 'DOING', 'DONE']] | None | Unset",
        "UNSET",
        "[_inputs.choice('extra', _each, ('OPEN', 'DOING', 'DONE'))"
        " for _each in _inputs.items('extra', extra, least=1)]",
    ),
    "a list of UUIDs": (
        further("{type: array, items: {type: string, format: uuid}}", "explode: false, "),
        "Sequence[UUID | str] | None | Unset",
        "UNSET",
        "[_inputs.uuid_text('extra', _each) for _each in _inputs.items('extra', extra)]",
    ),
    "a header with an integer": (
        further("{type: integer}", where="header"),
        "int | None | Unset",
        "UNSET",
        "_inputs.header('extra', str(_inputs.integer('extra', extra)))",
    ),
    "a secret with a pattern": (
        further("{type: string, pattern: '^k'}", where="header"),
        "str | None | Unset",
        "UNSET",
        "_inputs.header('extra', _inputs.text('extra', extra, pattern='^k', secret=True))",
    ),
}


@pytest.mark.parametrize("case", ARRIVE)
def test_parameter_is_rendered(tmp_path: Path, case: str) -> None:
    edit, annotation, default, text = ARRIVE[case]
    _, views, _ = read(tmp_path, edit)
    found = argument(views["list_tasks"], "extra")
    assert (found.annotation, found.default, found.text) == (annotation, default, text)
    assert found.joined == ("explode: false" in edit[1])


def test_path_parameters_are_escaped_segments(tmp_path: Path) -> None:
    old = "      - name: task_id\n        in: path\n        required: true\n        description: The task.\n"
    schema = "        schema:\n          type: string\n"
    _, views, _ = read(
        tmp_path,
        ("  /v1/tasks/{task_id}:", "  /v1/tasks/{taskKey}/x:"),
        (f"{old}{schema}          format: uuid\n", f"{old}{schema}".replace("task_id", "taskKey")),
    )
    assert argument(views["get_task"], "taskKey").python_name == "task_key"
    assert views["get_task"].path == (
        "'/v1/tasks/' + _inputs.segment('taskKey', _inputs.text('taskKey', task_key)) + '/x'"
    )


def test_parameter_of_the_operation_overrides_that_of_the_path(tmp_path: Path) -> None:
    own = "      parameters:\n        - {name: task_id, in: path, required: true, schema: {type: integer}}\n"
    _, views, _ = read(
        tmp_path, ("      operationId: get_task\n      summary", f"      operationId: get_task\n{own}      summary")
    )
    assert argument(views["get_task"], "task_id").annotation == "int"
    assert argument(views["delete_task"], "task_id").annotation == "UUID | str"


def test_reserved_names_get_a_suffix(tmp_path: Path) -> None:
    _, views, _ = read(
        tmp_path, (PARAMETER, f"        - {{name: models, in: query, schema: {{type: string}}}}\n{PARAMETER}")
    )
    assert argument(views["list_tasks"], "models").python_name == "models_query"


def test_error_names() -> None:
    names = [error_name(status) for status in (400, 401, 402, 403, 404, 409, 410, 418, 422, 429, 500, 502, 503, 504)]
    assert names == [
        *("BadRequestError", "AuthenticationError", "PaymentRequiredError", "PermissionDeniedError", "NotFoundError"),
        *("ConflictError", "GoneError", "ImATeapotError", "UnprocessableEntityError", "RateLimitError"),
        *("InternalServerError", "BadGatewayError", "ServiceUnavailableError", "GatewayTimeoutError"),
    ]


def test_error_bodies_of_a_status_may_differ_by_operation(tmp_path: Path) -> None:
    problem = """
    Problem:
      type: object
      required: [code, reason, errors]
      properties:
        code: {type: string, pattern: '^E'}
        reason: {type: string}
        errors: {type: array, items: {type: string}}
"""
    other = "        '410':\n          description: Gone.\n          content:\n            application/json:\n"
    other += "              schema: {$ref: '#/components/schemas/Problem'}\n"
    endpoints, views, _ = read(
        tmp_path,
        ("\n    Error:\n", f"{problem}\n    Error:\n"),
        ("        '410': {$ref: '#/components/responses/Deleted'}\n", other),
    )
    assert (views["get_task"].refusals[410], views["delete_task"].refusals[410]) == ("Problem", "Error")
    assert (endpoints.error_fields["Problem"].detail, endpoints.error_fields["Problem"].faults) == ("reason", "errors")
    gone = next(each for each in endpoints.refusals if each.status == 410)
    assert gone.models == ["Problem", "Error"] and gone.faults == "str"
    assert gone.descriptions == {"Gone.": ["get_task"], "The task was deleted.": ["delete_task"]}
    assert endpoints.usual_error_model == "Error"


def test_successes_of_the_same_type(tmp_path: Path) -> None:
    _, views, _ = read(tmp_path, ("        '204':\n", "        '202':\n          description: Soon.\n        '204':\n"))
    assert views["delete_task"].successes == [202, 204] and views["delete_task"].model is None


DRAFT = "$ref: '#/components/schemas/TaskDraft'"
BODY = f"          application/json:\n            schema:\n              {DRAFT}"
TASK = "              schema: {$ref: '#/components/schemas/Task'}\n"
CONTENT = f"          content:\n            application/json:\n{TASK}"
DELETED = "        '204':\n          description: The task is deleted.\n"
MAPPING = """\
      discriminator:
        propertyName: kind
        mapping:
          note: '#/components/schemas/Note'
          checklist: '#/components/schemas/Checklist'
"""


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
def test_constants_discriminate_without_a_discriminator(tmp_path: Path, keyword: str) -> None:
    _, _, models = read(tmp_path, (MAPPING, ""), ("      oneOf:\n", f"      {keyword}:\n"))
    assert (
        "Annotated[Note | Checklist | Unknown, OneOf('kind', {'note': 'Note', 'checklist': 'Checklist'})]"
        in models.source
    )


def test_inline_union_gets_a_name(tmp_path: Path) -> None:
    choice = "oneOf: [{$ref: '#/components/schemas/Note'}, {$ref: '#/components/schemas/Checklist'}, {type: 'null'}]"
    _, _, models = read(
        tmp_path,
        (
            "        details:\n          $ref: '#/components/schemas/Details'\n",
            f"        details:\n          {choice}\n",
        ),
    )
    assert re.search(r"^TaskDetails: TypeAlias = Annotated\[Note \| Checklist \| Unknown,", models.source, re.MULTILINE)
    assert re.search(r"^    details: TaskDetails \| None$", models.source, re.MULTILINE)


# By case: edits, text of the line in the message, and a part of the message.
REFUSED: dict[str, tuple[list[tuple[str, str]], str, str]] = {
    "an object in the query": ([further("{type: object}")], "name: extra", "`extra` is not supported: in the query"),
    "a list of lists": (
        [further("{type: array, items: {type: array, items: {type: string}}}")],
        "name: extra",
        "a list",
    ),
    "a list in a header": ([further("{type: array, items: {type: string}}", where="header")], "name: extra", "`extra`"),
    "an enum of integers": ([further("{type: integer, enum: [1, 2]}")], "name: extra", "an enum of text"),
    "a default that is none": (
        [("            default: 50\n", "            default: 500\n")],
        "default: 500",
        "the schema of `limit` does not allow its default",
    ),
    "a pattern that Python cannot use": (
        [further("{type: string, pattern: '\\p{L}'}")],
        "name: extra",
        "Python cannot use",
    ),
    "a parameter twice": (
        [further("{type: string}"), further("{type: string}")],
        "get:",
        "MUST NOT contain duplicates",
    ),
    "an operationId twice": (
        [("operationId: delete_task\n      summary", "operationId: get_task\n      summary")],
        "      operationId: get_task",
        "get_task",
    ),
    "a body that is no JSON": ([(BODY, BODY.replace("application/json", "text/csv"))], "post:", "text/csv"),
    "two kinds of bodies": (
        [(BODY, f"          a/b+json: {{schema: {{{DRAFT}}}}}\n{BODY}")],
        "      requestBody:",
        "exactly one media type",
    ),
    "a body that is a list": (
        [(f"              {DRAFT}", f"              {{type: array, items: {{{DRAFT}}}}}")],
        "            schema:\n              {type: array",
        "must be an object with properties",
    ),
    "successes of two types": (
        [(DELETED, f"        '200':\n          description: It was.\n{CONTENT}{DELETED}")],
        "        '204':",
        "204 has another body, or other headers, than 200",
    ),
    "204 with a body": ([(DELETED, DELETED + CONTENT)], CONTENT, "a 204 response has no body"),
    "a status of nobody": ([("        '409':", "        '499':")], "'499':", "HTTP has no status 499"),
    "a refusal that says nothing": (
        [("          description: One sentence for a person.\n          type: string\n", "          type: integer\n")],
        "          schema:\n            $ref: '#/components/schemas/Error'",
        "must have a required text",
    ),
    "a header that is a list": (
        [("                type: integer\n                minimum: 1\n", "                type: array\n")],
        "            Task-Version:",
        "header `Task-Version` is not supported",
    ),
    "objects that nothing decides between": (
        [(MAPPING, ""), ("          const: note\n", "")],
        "      oneOf:",
        "these objects cannot be distinguished",
    ),
    "texts that nothing decides between": (
        [
            (
                "      description: One word.\n      type: string\n",
                "      anyOf: [{type: string}, {$ref: '#/components/schemas/TaskStatus'}]\n",
            )
        ],
        "      anyOf:",
        "both may be string",
    ),
    "a tag that stands for two": (
        [
            ("          const: checklist\n", "          const: note\n"),
            (MAPPING, "      discriminator: {propertyName: kind}\n"),
        ],
        "        - $ref: '#/components/schemas/Checklist'",
        "selects both `Checklist` and `Note`",
    ),
    "a mapping that contradicts a constant": (
        [("          note: '#/components/schemas/Note'\n", "          memo: '#/components/schemas/Note'\n")],
        "          memo:",
        "`memo` is mapped to `Note`, but its `kind` cannot be `memo`",
    ),
    "a mapping to somewhere else": (
        [("          note: '#/components/schemas/Note'\n", "          note: '#/components/schemas/Task'\n")],
        "          note:",
        "is not one of the alternatives",
    ),
    "a tag that may be missing": (
        [("      required: [kind, text]\n", "      required: [text]\n")],
        "        - $ref: '#/components/schemas/Note'",
        "must be a required text of `Note`",
    ),
    "a discriminator of nothing": (
        [
            (
                "      required: [kind, text]\n",
                "      required: [kind, text]\n      discriminator: {propertyName: kind}\n",
            )
        ],
        "      discriminator: {",
        "needs `oneOf` or `anyOf`",
    ),
    "an object without a name": (
        [
            (
                "        - $ref: '#/components/schemas/Note'\n",
                "        - {type: object, required: [kind], properties: {kind: {type: string, const: note}}}\n",
            ),
            ("          note: '#/components/schemas/Note'\n", ""),
        ],
        "        - {type: object",
        "must be a named schema",
    ),
    "a name that no class has": (
        [
            ("#/components/schemas/TaskDraft", "#/components/schemas/task-draft"),
            ("    TaskDraft:\n", "    task-draft:\n"),
        ],
        "    task-draft:",
        "is not a Python class name",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_unsupported_input_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    edits, at, why = REFUSED[case]
    with pytest.raises(Problem) as caught:
        read(tmp_path, *edits)
    text = (tmp_path / "openapi.yaml").read_text(encoding="utf-8")
    lines = {text[: match.start()].count("\n") + 1 for match in re.finditer(re.escape(at), text)}
    named = re.search(r"openapi\.yaml:(\d+): ", caught.value.what)
    assert why in caught.value.what and named and int(named[1]) in lines, caught.value.report()
    assert caught.value.fix
