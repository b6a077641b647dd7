"""Bodies that break their schema, in one run of 137 or on every page, and invalid JSON."""

from .base import PageFault, ResponseFault, RunFault, add_mutant, body_edit, edit_body, is_page, set_field

SCHEMA = ("response_schema_conformance",)
for name, change in {
    "rare_field_missing": lambda run: run.pop("error"),
    "rare_snapshot_field_missing": lambda run: run["run_snapshot"].pop("workflow_name"),
    "rare_path_field_missing": lambda run: run["run_snapshot"]["sources"][0].pop("materialized_path"),
    "rare_null": lambda run: set_field(run, "started_at", None),
    "rare_new_status": lambda run: set_field(run, "status", "CANCELLED"),
    "rare_new_runner_type": lambda run: (
        set_field(run, "runner_type", "CLOUD"),
        set_field(run, "run_snapshot", "runner_type", "CLOUD"),
    ),
    "rare_new_part_type": lambda run: set_field(run, "run_snapshot", "sources", 0, "part_type", "IMAGE"),
    "rare_uuid_without_dashes": lambda run: set_field(run, "id", run["id"].replace("-", "")),
    "rare_time_without_offset": lambda run: set_field(run, "created_at", run["created_at"].removesuffix("Z")),
    "rare_time_with_blank": lambda run: set_field(run, "updated_at", run["updated_at"].replace("T", " ")),
    "rare_time_as_number": lambda run: set_field(run, "created_at", 1_776_000_000),
    "rare_duration_as_text": lambda run: set_field(run, "run_snapshot", "max_run_duration_seconds", "300"),
    "rare_sources_null": lambda run: set_field(run, "run_snapshot", "sources", None),
    "rare_template_as_text": lambda run: set_field(run, "run_snapshot", "template", "digest.md"),
    "rare_further_field": lambda run: set_field(run, "cost", 1),
    "rare_further_snapshot_field": lambda run: set_field(run, "run_snapshot", "model", "large"),
}.items():
    add_mutant("schema", name, RunFault(change), *SCHEMA)
add_mutant("schema", "total_as_text", PageFault(lambda page, _: set_field(page, "total", str(page["total"]))), *SCHEMA)
add_mutant("schema", "total_missing", PageFault(lambda page, _: page.pop("total")), *SCHEMA)
add_mutant("schema", "further_page_field", PageFault(lambda page, _: set_field(page, "has_more", True)), *SCHEMA)
add_mutant(
    "schema",
    "null_past_the_end",
    PageFault(lambda page, _: page["items"] or set_field(page, "items", None)),
    *SCHEMA,
    "reached",
)
add_mutant(
    "schema",
    "page_in_an_envelope",
    ResponseFault(lambda response: edit_body(response, lambda body: b'{"data":' + body + b"}"), is_page),
    *SCHEMA,
    "reached",
)
UNREADABLE = (*SCHEMA, "reached")
for name, change_bytes, killed_by in (
    ("key_twice", lambda body: body.replace(b'"total"', b'"total":0,"total"'), ("strict_json",)),
    (
        "not_a_number",
        lambda body: body.replace(b'"max_run_duration_seconds":300', b'"max_run_duration_seconds":NaN'),
        ("strict_json", *SCHEMA),
    ),
    (
        "half_a_character",
        lambda body: body.replace(b'"materialized_path":"/', b'"materialized_path":"\\ud800/'),
        ("strict_json",),
    ),
    ("latin_1", lambda body: body.decode().encode("latin-1", "replace"), SCHEMA),
    ("byte_order_mark", lambda body: b"\xef\xbb\xbf" + body, UNREADABLE),
    ("utf_16", lambda body: body.decode().encode("utf-16-le"), UNREADABLE),
    ("comma_at_the_end", lambda body: body[:-1] + b",}", UNREADABLE),
):
    add_mutant("schema", name, ResponseFault(body_edit(change_bytes), is_page), *killed_by)
