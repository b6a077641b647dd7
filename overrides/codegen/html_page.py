"""Renders self-contained HTML pages, all in the style of page.css."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from codegen.text import escaped

STYLE = Path(__file__).with_name("page.css")
# Characters that change how the rest of a page is shown, or that cannot be encoded: control characters, marks that turn
# the direction of writing, lone surrogates. Templates have none.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def render_page(template: Path, filters: Mapping[str, Callable[..., Any]], **values: Any) -> str:
    """Return an HTML page. All values except `Markup` are escaped.

    Args:
        template: The file of the template. It may use `style`.
        filters: Further filters for the template.
        values: Variables for the template.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= filters
    style = Markup(STYLE.read_text(encoding="utf-8"))
    page = environment.from_string(template.read_text(encoding="utf-8")).render(style=style, **values)
    return UNSEEN.sub(lambda found: escaped(found[0]), page)
