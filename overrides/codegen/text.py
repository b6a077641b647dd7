"""Makes untrusted text safe to show in terminals, reports and pages.

Imports only the standard library, and no other module of the driver.
"""

from __future__ import annotations

LIMIT = 300
CUT = "..."


def shortened(text: str, limit: int = 80) -> str:
    """Return the text, cut to `limit` characters and ending in "..." if it is longer."""
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT


def escaped(text: str, limit: int = LIMIT) -> str:
    """Return the text with unprintable characters escaped, on one line.

    Control characters, marks that turn the direction of writing, lone surrogates and line separators become `\\xNN`,
    `\\uNNNN` or `\\UNNNNNNNN`. All other characters are kept.

    Args:
        text: Any text.
        limit: Maximum characters of the result. A longer text is cut, and ends in "...".
    """
    parts: list[str] = []
    length = 0
    for character in text[: limit + 1]:
        part = character if character.isprintable() else ascii(character)[1:-1]
        parts.append(part)
        length += len(part)
        if length > limit:
            break
    if length <= limit:
        return "".join(parts)
    while parts and length > limit - len(CUT):
        length -= len(parts.pop())
    return ("".join(parts) + CUT)[:limit]
