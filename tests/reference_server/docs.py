"""The contract as one plain page, which needs nothing but itself."""

from html import escape
from typing import Any

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; line-height: 1.4; max-width: 60em; margin: 2em auto; padding: 0 1em }}
dt {{ font-weight: bold }}
dd {{ margin-left: 1.5em }}
dd > p, dl, ul {{ margin: 0; white-space: pre-line }}
</style>
<h1>{title}</h1>
<p>The same for programs: <a href="openapi.json">openapi.json</a>
{document}
</html>
"""


def render(document: dict[str, Any]) -> str:
    return PAGE.format(title=escape(document["info"]["title"]), document=part(document, "#"))


def part(value: Any, pointer: str) -> str:
    """One part of the document and all below; what `$ref` points to can be jumped to."""
    if isinstance(value, dict):
        entries = "".join(
            f'<dt id="{escape(f"{pointer}/{name}")}">{escape(name)}<dd>{part(entry, f"{pointer}/{name}")}'
            for name, entry in value.items()
        )
        # Examples are long, and explain what they follow.
        return (
            f"<details><summary>show</summary><dl>{entries}</dl></details>"
            if "example" in pointer
            else f"<dl>{entries}</dl>"
        )
    if isinstance(value, list):
        return "<ul>" + "".join(f"<li>{part(entry, pointer)}" for entry in value) + "</ul>"
    text = escape("null" if value is None else str(value))
    return f'<a href="{text}">{text}</a>' if pointer.endswith("/$ref") else f"<p>{text}</p>"
