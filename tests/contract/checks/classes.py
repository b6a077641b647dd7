"""The names of all checks, by class."""

from ..contract import contract
from ..interaction import RULES

LISTINGS = [each.listing for each in contract().operations if each.listing]
AT_MOST = [each.where.id for listing in LISTINGS for each in listing.at_most]

OPERATIONS = contract().operations
SELECTS = [
    rule.id for each in OPERATIONS if each.listing for selection in each.selections.values() for rule in selection.rules
]
CURSOR_CHECKS = ("each_item_once",) if any(each.is_cursor_list for each in OPERATIONS) else ()

WRITE_CHECKS = ("made_is_there", "deleted_is_gone") if any(not each.is_safe for each in OPERATIONS) else ()

CLASSES: dict[str, tuple[str, ...]] = {
    "schema": ("response_schema_conformance", "strict_json"),
    "bounds and defaults": (
        "valid_request_accepted",
        "invalid_parameter_refused",
        "invalid_parameter_named",
        "defaults_applied",
    ),
    "paging": (
        "unique_ids",
        "limit_and_offset_echoed",
        "number_of_items",
        "same_total",
        "one_order",
        "pages_fit_together",
        "one_list",
        "items_do_not_go_back",
        *CURSOR_CHECKS,
    ),
    # The ids of the rules.
    "rules": (*RULES, *SELECTS, *AT_MOST),
    "credentials": (
        "credentials_required",
        "credentials_accepted",
        "foreign_id_hidden",
        "kept_from_shared_caches",
    ),
    "errors": ("unknown_id_not_found", "documented_status", "unavailability_passes"),
    "protocol": (
        "json_content_type",
        "response_headers_conformance",
        "unsupported_method",
        "allow_header_conformance",
        "connection_kept",
        "no_answer",
        "retry_after_readable",
        "answers_kept_apart",
        "head_changes_nothing",
    ),
    "evidence": ("reached",),
    **({"changes": WRITE_CHECKS} if WRITE_CHECKS else {}),
}
"""Checks not named here are off, except `transient_answers`, which applies some of these to transient responses."""
