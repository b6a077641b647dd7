"""Schema: what is wrong with one row in 137, or with every page."""

from .making import AnswerFault, PageFault, RunFault, is_page, mutant, put, with_body, with_bytes

SCHEMA = ("response_schema_conformance",)
for name, change in {
    "rare_field_missing": lambda run: run.pop("error"),
    "rare_snapshot_field_missing": lambda run: run["run_snapshot"].pop("workflow_name"),
    "rare_path_field_missing": lambda run: run["run_snapshot"]["sources"][0].pop("materialized_path"),
    "rare_null": lambda run: put(run, "started_at", None),
    "rare_new_status": lambda run: put(run, "status", "CANCELLED"),
    "rare_new_runner_type": lambda run: (
        put(run, "runner_type", "CLOUD"),
        put(run, "run_snapshot", "runner_type", "CLOUD"),
    ),
    "rare_new_part_type": lambda run: put(run, "run_snapshot", "sources", 0, "part_type", "IMAGE"),
    "rare_uuid_without_dashes": lambda run: put(run, "id", run["id"].replace("-", "")),
    "rare_time_without_offset": lambda run: put(run, "created_at", run["created_at"].removesuffix("Z")),
    "rare_time_with_blank": lambda run: put(run, "updated_at", run["updated_at"].replace("T", " ")),
    "rare_time_as_number": lambda run: put(run, "created_at", 1_776_000_000),
    "rare_duration_as_text": lambda run: put(run, "run_snapshot", "max_run_duration_seconds", "300"),
    "rare_sources_null": lambda run: put(run, "run_snapshot", "sources", None),
    "rare_template_as_text": lambda run: put(run, "run_snapshot", "template", "digest.md"),
    "rare_further_field": lambda run: put(run, "cost", 1),
    "rare_further_snapshot_field": lambda run: put(run, "run_snapshot", "model", "large"),
}.items():
    mutant("schema", name, RunFault(change), *SCHEMA)
mutant("schema", "total_as_text", PageFault(lambda page, _: put(page, "total", str(page["total"]))), *SCHEMA)
mutant("schema", "total_missing", PageFault(lambda page, _: page.pop("total")), *SCHEMA)
mutant("schema", "further_page_field", PageFault(lambda page, _: put(page, "has_more", True)), *SCHEMA)
mutant(
    "schema",
    "null_past_the_end",
    PageFault(lambda page, _: page["items"] or put(page, "items", None)),
    *SCHEMA,
    "reached",
)
mutant(
    "schema",
    "page_in_an_envelope",
    AnswerFault(lambda answer: with_body(answer, lambda body: b'{"data":' + body + b"}"), is_page),
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
    mutant("schema", name, AnswerFault(with_bytes(change_bytes), is_page), *killed_by)
