"""The example page of the contract, and variants of it."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from codegen import ROOT
from codegen.openapi import read

DOCUMENT = read(ROOT / "openapi.yaml").value
[OPERATION] = [path["get"] for path in DOCUMENT["paths"].values()]
PAGE = OPERATION["responses"]["200"]["content"]["application/json"]["example"]
SCHEMAS = {parameter["name"]: parameter["schema"] for parameter in OPERATION["parameters"]}
[IN_PATH] = [parameter["name"] for parameter in OPERATION["parameters"] if parameter["in"] == "path"]
MOST = SCHEMAS["limit"]["maximum"]
DEFAULTS = {name: SCHEMAS[name]["default"] for name in ("limit", "offset")}
EMPTY_PAGE = {"items": [], "total": 0, **DEFAULTS}


def changed(*path: str | int, to: object = ..., without: bool = False) -> dict[str, Any]:
    """Return the example page of the contract with one value changed or removed."""
    page = copy.deepcopy(PAGE)
    parent: Any = page
    for part in path[:-1]:
        parent = parent[part]
    if without:
        del parent[path[-1]]
    else:
        parent[path[-1]] = to
    return page  # type: ignore[no-any-return]


def echoing(target: str, page: dict[str, Any]) -> bytes:
    """Return a page as a body, with limit and offset of the request filled in."""
    sent = {name: int(value) for name, value in parse_qsl(urlsplit(target).query) if name in ("limit", "offset")}
    return json.dumps({**page, **sent}).encode()
