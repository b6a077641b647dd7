"""Wrong credentials, of each kind that a server was seen to accept."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .operation import Credential, Operation
from .redaction import PASSWORDS, altered, in_base64
from .target import Target

# A value that is not a credential.
WRONG_CREDENTIAL = "wrong-on-purpose"
# How programs write missing values, and text that databases and shells interpret.
WORDS = (
    "", "null", "undefined", "None", "false", "0", "[object Object]", "guest", "admin", "test", "*", "%00",
    "' OR '1'='1", "a", "\u00fc",
)  # fmt: skip
UNPREFIXED_WORDS = ("", "null", "undefined", "false", "deleted", "' OR '1'='1")
OTHER_WORDS = ("None", "true", "0", "a", "*", "guest", "[object Object]", "%00", "nil")
# Characters: longer than tokens, but accepted by proxies.
LONG = 4000
# Where other APIs have their tokens.
HEADERS = (
    "X-API-Key",
    "Api-Key",
    "X-Auth-Token",
    "X-Access-Token",
    "X-Token",
    "Token",
    "Authentication",
    "X-Forwarded-Access-Token",
)
BEARER_HEADERS = ("X-Authorization", "X-Forwarded-Authorization", "Proxy-Authorization", "Authorization2")
COOKIES = ("token", "session", "access_token", "jwt", "auth", "Authorization")
QUERY = ("access_token", "token", "api_key", "apikey", "key", "auth", "authorization")
# Headers from a proxy, which a server must not trust.
TRUSTED = {
    "X-Forwarded-For": "127.0.0.1",
    "X-Real-IP": "127.0.0.1",
    "X-Forwarded-User": "admin",
    "X-Remote-User": "admin",
    "X-User-Id": "1",
    "X-SSL-Client-Verify": "SUCCESS",
    "X-Auth-Request-User": "admin",
    "X-Internal-Request": "1",
}


@dataclass(frozen=True)
class SentCredentials:
    """The credentials of a request."""

    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)


NO_CREDENTIALS = SentCredentials()


def credentials_in(place: str, name: str, value: str) -> SentCredentials:
    found = {name: value}
    return (
        SentCredentials(found)
        if place == "header"
        else SentCredentials(cookies=found)
        if place == "cookie"
        else SentCredentials(query=found)
    )


def wrong_value(credential: Credential) -> SentCredentials:
    return credentials_in(credential.place, credential.name, credential.prefix + WRONG_CREDENTIAL)


def selected_wrong_credentials(target: Target, operation: Operation) -> Iterator[SentCredentials]:
    """Return some wrong credentials, for operations after the first: they mostly share the code that checks
    credentials."""
    for credential in operation.credentials:
        secret, prefix = target.secrets.get(credential.variable, ""), credential.prefix
        values = ["", *((secret + "x", secret[:-1], secret.swapcase()) if secret else ())]
        values = [f"{prefix}{value}".rstrip() for value in values]
        if prefix and secret:
            values += [secret, f"Token {secret}"]
        for value in values:
            yield credentials_in(credential.place, credential.name, value)
    yield from misplaced_credentials(target, operation)


def wrong_credentials(target: Target, operation: Operation) -> Iterator[SentCredentials]:
    credentials = operation.credentials
    bare = [each for each in credentials if not each.prefix]
    for credential in credentials:
        if credential.prefix:
            for number, value in enumerate(
                prefixed_values(credential.prefix, target.secrets.get(credential.variable, ""))
            ):
                wrong = credentials_in(credential.place, credential.name, value)
                if bare and number % 2:
                    # Tested alone below; here together with a wrong value of another scheme, for servers that accept
                    # either.
                    word = OTHER_WORDS[number % len(OTHER_WORDS)]
                    wrong = merge(wrong, credentials_in(bare[0].place, bare[0].name, word))
                yield wrong
    for credential in bare:
        values = [*UNPREFIXED_WORDS, WRONG_CREDENTIAL, "a" * LONG, jwt("none", "")]
        if secret := target.secrets.get(credential.variable):
            values += [secret + "x", secret[:-1], secret.swapcase(), altered(secret), secret * 2]
            values += [secret[: len(secret) // 2], secret[::-1], in_base64(secret)]
        for value in values:
            yield credentials_in(credential.place, credential.name, value)
    yield SentCredentials(TRUSTED)
    yield from misplaced_credentials(target, operation)


def merge(one: SentCredentials, other: SentCredentials) -> SentCredentials:
    return SentCredentials(one.headers | other.headers, one.cookies | other.cookies, one.query | other.query)


def misplaced_credentials(target: Target, operation: Operation) -> Iterator[SentCredentials]:
    """Right values under wrong names, all together: if any is accepted, the response is a success."""
    credentials = operation.credentials
    own = {(each.place, each.name.lower() if each.place == "header" else each.name) for each in credentials}
    alike = [name for each in credentials if not each.prefix for name in similar_names(each.name)]
    secret = next(iter(target.secrets.values()))
    prefix = next((each.prefix for each in credentials if each.prefix), "Bearer ")
    headers = dict.fromkeys(HEADERS, secret) | dict.fromkeys(BEARER_HEADERS, prefix + secret)
    yield SentCredentials({name: value for name, value in headers.items() if ("header", name.lower()) not in own})
    in_cookie = next((each.variable for each in credentials if each.place == "cookie"), "")
    cookies = [name for name in (*COOKIES, *alike) if ("cookie", name) not in own]
    value = target.secrets.get(in_cookie, secret)
    # A server that searches the header for the name finds this one.
    within = "&".join(f"{name}={value}" for place, name in sorted(own) if place == "cookie")
    yield SentCredentials(cookies=dict.fromkeys(cookies, value) | {"theme": within})
    if not target.is_deployment:
        # Servers write URLs to logs.
        names = [name for name in (*QUERY, *(each.name for each in credentials)) if ("query", name) not in own]
        values = {each.name.lower(): each.prefix + target.secrets.get(each.variable, secret) for each in credentials}
        yield SentCredentials(query={name: values.get(name.lower(), secret) for name in names})


def similar_names(name: str) -> Iterator[str]:
    """Return similar names."""
    yield f"x{name}"
    yield name.upper() if name.islower() else name.lower()
    yield f"{name}2"
    yield name.replace("_", "-") if "_" in name else name.replace("-", "_")


def prefixed_values(prefix: str, secret: str) -> list[str]:
    """Return wrong values with a prefix."""
    words = [*WORDS, WRONG_CREDENTIAL, "a" * LONG, jwt("none", ""), jwt("HS256", "c2ln")]
    values = [f"{prefix}{word}".rstrip() for word in words]
    return [*values, f"Basic {in_base64('admin:admin')}", *(nearly_right_values(prefix, secret) if secret else [])]


def nearly_right_values(prefix: str, token: str) -> list[str]:
    """Return headers with the right token, or nearly."""
    after = [token + "x", "x" + token, token[:-1], token[1:], token.swapcase(), altered(token), token * 2]
    after += [f"{token} x", f"{token}=", f'"{token}"', f"%{ord(token[0]):02X}{token[1:]}"]
    after += [f"{token}.x", f"{token}:x", f"{token},x", token[::-1], in_base64(token)]
    after += [
        f"{prefix}{token}",
        f"{WRONG_CREDENTIAL}, {prefix}{token}",
        f"{WRONG_CREDENTIAL} {token}",
        token[: len(token) // 2],
    ]
    others = ("{}", f"{prefix.strip()}{{}}", "Token {}", "ApiKey {}", 'Digest username="{0}", response="{0}"')
    return (
        [prefix + each for each in after]
        + [f"Basic {in_base64(each.format(token))}" for each in PASSWORDS]
        + [each.format(token) for each in others]
    )


def jwt(algorithm: str, signature: str) -> str:
    def encoded(part: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")

    return f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded({'sub': 'admin', 'exp': 9999999999})}.{signature}"
