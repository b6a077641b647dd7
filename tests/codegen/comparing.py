"""Compares documents with contract.yaml, as `make drift` does."""

from __future__ import annotations

from typing import Any

from codegen.compare import RULES
from codegen.contract import Contract
from codegen.drift import differences
from tests.codegen.trees import CONTRACT_PATH

CONTRACT = Contract(CONTRACT_PATH).document
Document = dict[str, Any]


def told(document: Any) -> list[tuple[str, str, str]]:
    return [(RULES[each.kind].promise, each.place, each.what) for each in differences(CONTRACT, document)]
