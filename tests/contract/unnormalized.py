"""Sends paths and queries as they are, where libraries would decode `%31` first."""

from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from schemathesis import Case, HookContext
from schemathesis.core.parameters import RAW_QUERY_STRING_KEY, RawQueryString

from .boundary_values import Query
from .contract import contract
from .run_state import run_state


class RawId(str):
    """An id that is sent unencoded."""


def raw_query(text: str) -> Query:
    return {RAW_QUERY_STRING_KEY: RawQueryString(text)}


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    query = (case.query or {}).get(RAW_QUERY_STRING_KEY)
    operation = contract().operation(case.operation.label)
    parent = (case.path_parameters or {}).get(operation.parent) if operation else None
    if not isinstance(query, RawQueryString) and not isinstance(parent, RawId):
        return

    def set_raw_url(request: requests.PreparedRequest) -> requests.PreparedRequest:
        url = urlsplit(request.url or "")
        if isinstance(parent, RawId) and operation:
            prefix = urlsplit(run_state().target.base_url).path
            url = url._replace(path=prefix + operation.path_of(parent))
        if isinstance(query, RawQueryString):
            url = url._replace(query=str(query))
        request.url = url.geturl()
        return request

    kwargs["auth"] = set_raw_url
