"""Removes secrets from everything that is shown or stored, in any form that a server may repeat."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape
from urllib.parse import quote, quote_plus

# Shorter values are not secrets, and would be found in the middle of words.
SHORTEST = 6
# A secret as password, or as user name.
PASSWORDS = ("user:{}", "{}:")
IN_BASE64 = (*PASSWORDS, "{}")


def encoded_forms(name: str, secret: str) -> tuple[tuple[str, str], ...]:
    """Return the forms of a secret that probes send, right and almost right, each with its shell expression."""
    middle, value = len(secret) // 2, f'printf %s "${name}"'
    return (
        (secret, f"${name}"),
        (altered(secret), f"$({value} | sed s/./{altered(secret)[middle : middle + 1]}/{middle + 1})"),
        (secret[:-1], f"${{{name}%?}}"),
        (secret[1:], f"${{{name}#?}}"),
        (secret.swapcase(), f"$({value} | tr a-zA-Z A-Za-z)"),
        *(
            (in_base64(form.format(secret)), f'$(printf %s "{form.format("$" + name)}" | base64 -w0)')
            for form in IN_BASE64
        ),
        (secret[:middle], f"$({value} | cut -c1-{middle})"),
        (secret[::-1], f"$({value} | rev)"),
    )


def altered(secret: str) -> str:
    """Return the secret with its middle character changed."""
    middle = len(secret) // 2
    return secret[:middle] + ("1" if secret[middle : middle + 1] == "0" else "0") + secret[middle + 1 :]


def in_base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def without_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """Replace secrets in a text by the names of their variables."""
    for name, secret in secrets.items():
        for form in forms(secret):
            text = text.replace(form, f"${name}")
    return text


@lru_cache
def forms(secret: str) -> tuple[str, ...]:
    """Return all forms of a secret, longest first, because one may contain another."""
    if len(secret) < SHORTEST:
        return ()
    values = {
        secret.lower(),
        secret.upper(),
        *(value for value, _ in encoded_forms("", secret) if len(value) >= SHORTEST - 1),
    }
    once = {form for value in values for form in encoded(value)}
    # A report may escape what a body has escaped.
    found = once | {further for form in once for further in (*escapes(form), *base64_fragments(form))}
    return tuple(sorted((form for form in found if len(form) >= SHORTEST - 1), key=lambda form: (-len(form), form)))


def encoded(value: str) -> Iterator[str]:
    yield value
    yield from escapes(value)
    yield from base64_fragments(value)
    yield value.encode().hex()
    yield value.encode().hex().upper()


def escapes(value: str) -> Iterator[str]:
    """Yield the value as encoded in URLs, JSON, HTML and XML."""
    for form in (quote(value, safe=""), quote_plus(value), quote(value)):
        yield form
        yield "".join(part[:2].lower() + part[2:] if index else part for index, part in enumerate(form.split("%")))
    text = json.dumps(value)[1:-1]
    yield text
    yield text.replace("/", "\\/")
    yield "".join(f"\\u{ord(each):04x}" if each in "<>&'\"" else each for each in text.replace('\\"', '"'))
    for quotes in ("&#x27;", "&#39;", "&apos;", "'"):
        yield escape(value, quote=False).replace('"', "&quot;").replace("'", quotes)
    yield escape(value, quote=False)


def base64_fragments(value: str) -> Iterator[str]:
    """Yield the characters of the value that are the same wherever it begins in base64 text."""
    for before in range(3):
        data = bytes(before) + value.encode()
        for text in (b64encode(data).decode(), urlsafe_b64encode(data).decode()):
            # Without the characters that hold bits of what comes before or after.
            yield text[(before * 8 + 5) // 6 : len(data) * 8 // 6]
