"""What Schemathesis cannot know of this operation: requests that must be among those sent, and checks of its answers.

Schemathesis loads this module (`hooks` in schemathesis.toml), so any of its front ends uses the same checks. It reads
DEFINITION_ID from the environment.

A check judges one response by itself, which must be consistent even if the list changes while it is read. A body that
it cannot read is left to `response_schema_conformance`. Checks raise instead of using `assert`: under `python -O` they
would pass everything.
"""

import os
import re
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

DEFAULTS = {"limit": 20, "offset": 0}
LIMITS = range(1, 101)
# Nobody has these: a version 4 UUID made by dice once, and a word.
UNKNOWN_DEFINITION_ID = "d1f0a3c6-5b7e-4c92-8e4d-2a96b07f83e5"
WRONG_CREDENTIAL = "wrong-on-purpose"


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Points the contract's example at the definition under test, and leaves credentials to the security schemes.

    The coverage phase builds all of its requests around the example. The contract states the credentials twice;
    Schemathesis would fuzz those that are stated as parameters.
    """
    for path in raw_schema["paths"].values():
        parameters = [each for each in path["get"]["parameters"] if each["in"] in ("path", "query")]
        for parameter in parameters:
            if parameter["name"] == "definition_id":
                parameter["example"] = os.environ["DEFINITION_ID"]
        path["get"]["parameters"] = parameters


@schemathesis.hook
def before_add_examples(context: HookContext, examples: list[Case[Any]]) -> None:
    """Adds the refusals that `reached` waits for: left to chance, a run may see none."""
    assert context.operation is not None
    known = examples[0]
    unknown = known.derive(keep_auth=True)
    unknown.path_parameters = {"definition_id": UNKNOWN_DEFINITION_ID}
    make = context.operation.Case
    examples += [
        unknown,
        make(path_parameters=known.path_parameters),
        make(path_parameters=known.path_parameters, headers={"Authorization": f"Bearer {WRONG_CREDENTIAL}"}),
        make(path_parameters=known.path_parameters, cookies={"ks_uat": WRONG_CREDENTIAL}),
    ]


def read_page(response: Response) -> dict[str, Any] | None:
    """The body of a 200, or None if it is none or cannot be read."""
    if response.status_code != 200:
        return None
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def asked_for(response: Response, name: str) -> int | None:
    """The limit or offset that was asked for; None if it is one to be refused, which is for other checks to judge."""
    values = parse_qs(urlsplit(response.request.url or "").query, keep_blank_values=True).get(name)
    if values is None:
        return DEFAULTS[name]
    if len(values) > 1 or not re.fullmatch(r"0|[1-9][0-9]{,18}", values[0], re.ASCII):
        return None
    value = int(values[0])
    return value if name == "offset" or value in LIMITS else None


def asked_definition(response: Response) -> str:
    return unquote(urlsplit(response.request.url or "").path.split("/")[-2]).lower()


def is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@schemathesis.check
def limit_and_offset_echoed(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """A page names the limit and the offset that were asked for, or their defaults."""
    page = read_page(response)
    if page is None:
        return True
    for name in DEFAULTS:
        asked, said = asked_for(response, name), page.get(name)
        if asked is not None and is_integer(said) and said != asked:
            raise AssertionError(f"{name} {asked} was asked for, but the page says {said}")
    return None


@schemathesis.check
def number_of_items(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """A page holds max(0, min(limit, total - offset)) runs."""
    page = read_page(response)
    limit, offset = asked_for(response, "limit"), asked_for(response, "offset")
    if page is None or limit is None or offset is None:
        return True
    items, total = page.get("items"), page.get("total")
    if not isinstance(items, list) or not isinstance(total, int) or not is_integer(total):
        return True
    due = max(0, min(limit, total - offset))
    if len(items) != due:
        raise AssertionError(
            f"limit {limit}, offset {offset} and the page's total {total} make {due} items, but it has {len(items)}"
        )
    return None


@schemathesis.check
def runs_of_the_definition(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Every run of a page belongs to the definition that was asked for."""
    page = read_page(response)
    if page is None or not isinstance(page.get("items"), list):
        return True
    definition = asked_definition(response)
    for index, run in enumerate(page["items"]):
        owner = run.get("workflow_definition_id") if isinstance(run, dict) else None
        if isinstance(owner, str) and owner.lower() != definition:
            raise AssertionError(
                f"the runs of definition {definition} were asked for, but items[{index}] is a run of {owner}"
            )
    return None


@schemathesis.check
def definition_found(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """The definition under test is never answered with 404. Needed as `positive_data_acceptance` lets 404 pass."""
    if asked_definition(response) != os.environ["DEFINITION_ID"].lower() or case.method != "GET":
        return True
    if response.status_code == 404:
        raise AssertionError("404 for the definition under test, which exists")
    return None


@schemathesis.check
class reached:  # In lower case like all checks: it is the name that reports show.
    """The run saw what it is about: pages with items, and each kind of refusal. Otherwise it proved nothing."""

    MEANING: ClassVar = {
        "200 with items": "a page that has runs; give a DEFINITION_ID that has some",
        "401": "a refusal of missing or wrong credentials; both were sent",
        "404": f"a refusal of an unknown definition; {UNKNOWN_DEFINITION_ID} was asked for",
        "422": "a refusal of an invalid parameter; malformed ids, limits and offsets were sent",
    }

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> None:
        page = read_page(response)
        if page is None:
            self.seen.add(str(response.status_code))
        elif isinstance(page.get("items"), list) and page["items"]:
            self.seen.add("200 with items")

    def after_run(self, ctx: CheckContext) -> None:
        missing = [f"{kind} ({meaning})" for kind, meaning in self.MEANING.items() if kind not in self.seen]
        if missing:
            raise AssertionError("never seen: " + "; ".join(missing))
