"""Settings, connections and calls of every client, for any contract. `client` adds what depends on the contract."""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import ssl
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar, cast
from urllib.parse import urlencode

import httpx2
import pydantic

from . import _inputs
from ._cookies import CallerCookies
from ._deadline import CLOCK, Clock, Deadline
from ._redaction import printable
from ._sending import Answer, PreparedRequest, Retry, send, send_async
from .errors import ConfigurationError

DEFAULT_TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
"""In seconds, for each read, each write and a free connection of the pool; less for connecting."""

if TYPE_CHECKING:
    import asyncio

ResultT = TypeVar("ResultT")
HttpT = TypeVar("HttpT", httpx2.Client, httpx2.AsyncClient)


@dataclass(frozen=True, slots=True)
class Call:
    """A request of an operation. Its parameters have been checked.

    Attributes:
        method: The HTTP method.
        path: The path below the base URL, with its parameters filled in.
        params: The query, in pairs of name and value.
        headers: Headers that override the client's.
        successes: The status codes that count as success.
        asked: The parameters in path and query, under the contract's names. Of a list, the last value.
        content: The body, if any.
        refusals: The models of documented error bodies, by status code.
    """

    method: str
    path: str
    params: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    successes: Sequence[int]
    asked: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes | None = None
    refusals: Mapping[int, type[pydantic.BaseModel]] = field(default_factory=dict[int, type[pydantic.BaseModel]])


class Credential(NamedTuple):
    """A credential, as the security schemes of the contract define it.

    Attributes:
        name: The argument that takes it.
        variable: The environment variable that is read if the argument is not given.
        header: The header that carries it.
        prefix: The text before the credential in the header.
    """

    name: str
    variable: str
    header: str
    prefix: str


class ClientConfig(NamedTuple):
    """Settings that the contract decides.

    Attributes:
        user_agent: The `User-Agent` of each request.
        base_url_variable: The environment variable that is read if no `base_url` is given.
        credentials: All credentials that the contract defines.
    """

    user_agent: str
    base_url_variable: str
    credentials: tuple[Credential, ...]


class BaseClient:
    """Sends requests to one deployment. `Client` adds the arguments for credentials."""

    config: ClassVar[ClientConfig]

    def __init__(
        self,
        base_url: str | None,
        credentials: Mapping[str, str | None],
        *,
        timeout: httpx2.Timeout | float | None,
        retry: Retry,
        strict: bool,
        headers: Mapping[str, str] | None,
        verify_ssl: bool | ssl.SSLContext,
        httpx_args: Mapping[str, Any] | None,
    ) -> None:
        base_url = _setting(base_url, self.config.base_url_variable)
        if base_url is None:
            raise ConfigurationError(
                f"'base_url' must be given, or {self.config.base_url_variable} be set in the environment"
            )
        self.base_url = _checked_url(base_url, [each.name for each in self.config.credentials])
        self.strict = strict
        self.retry = retry
        self.clock: Clock = CLOCK
        # httpx2.Headers, as header names are case-insensitive: a dict could hold two credentials.
        self._headers = httpx2.Headers({"User-Agent": self.config.user_agent, "Accept": "application/json"})
        checked = {name: _inputs.header(f"headers.{name}", value) for name, value in (headers or {}).items()}
        self._headers.update(checked)
        self.has_credential = False
        values_by_header: dict[str, list[str]] = {}
        for each in self.config.credentials:
            value = _setting(credentials[each.name], each.variable)
            if value is not None:
                values_by_header.setdefault(each.header, []).append(each.prefix + _inputs.credential(each.name, value))
                self.has_credential = True
        # Only cookies can share one header.
        self._headers.update({name: "; ".join(texts) for name, texts in values_by_header.items()})
        if self.has_credential and self.base_url.scheme == "http" and not _is_loopback(self.base_url.host):
            warnings.warn(
                f"the credential is sent to {self.base_url.host} unencrypted, over http: use https", stacklevel=3
            )
        self._arguments: dict[str, Any] = {"timeout": timeout, "verify": verify_ssl, **(httpx_args or {})}
        _check_timeout(self._arguments["timeout"])
        # `httpx_args` may hold TLS settings, which must not change the shared context.
        self._shares_tls = verify_ssl is True and not httpx_args
        self._keeps_deadline = not {"transport", "mounts"} & self._arguments.keys()
        self._lock = threading.Lock()
        self._caller_clients: list[httpx2.Client | httpx2.AsyncClient] = []
        self._client: httpx2.Client | None = None
        self._async_client: httpx2.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cookies: weakref.WeakKeyDictionary[httpx2.Client | httpx2.AsyncClient, CallerCookies]
        self._cookies = weakref.WeakKeyDictionary()

    def _require_credential(self) -> None:
        """Raise ConfigurationError if there is none."""
        if not self.has_credential:
            names = [each.name for each in self.config.credentials]
            variables = [each.variable for each in self.config.credentials]
            needed = " or ".join(f"'{name}'" for name in names)
            raise ConfigurationError(f"{needed} must be given, or {' or '.join(variables)} be set in the environment")

    def __repr__(self) -> str:
        # The address only: headers hold credentials.
        return f"{type(self).__name__}({str(self.base_url)!r})"

    # --- connections ---

    def set_httpx_client(self, client: httpx2.Client) -> Self:
        """Use an httpx2 client of your own, with its own settings. The caller closes it.

        Its current cookies are sent. Cookies that servers set in answers are not kept in it. `Retry.total` has the same
        exceptions as for a transport of your own, see `Client`.
        """
        self._caller_clients.append(client)
        self._client = client
        self._cookies[client] = CallerCookies(client)
        return self

    def set_async_httpx_client(self, async_client: httpx2.AsyncClient) -> Self:
        """Like `set_httpx_client`, for asyncio."""
        self._caller_clients.append(async_client)
        self._async_client = async_client
        self._cookies[async_client] = CallerCookies(async_client)
        return self

    def get_httpx_client(self) -> httpx2.Client:
        """Return the httpx2 client of blocking calls. It is created on first use."""
        with self._lock:
            if self._client is None:
                self._client = self._build(self._new_client)
            return self._client

    def get_async_httpx_client(self) -> httpx2.AsyncClient:
        """Return the httpx2 client of asyncio calls. It is created on first use in each event loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        with self._lock:
            # Connections belong to the event loop that opened them.
            client = self._async_client
            if client is None or (self._loop is not loop and client not in self._caller_clients):
                client = self._build(lambda: httpx2.AsyncClient(**self._httpx_arguments()))
                self._async_client, self._loop = client, loop
            return client

    def _httpx_arguments(self) -> dict[str, Any]:
        return {**self._arguments, "verify": _default_tls()} if self._shares_tls else self._arguments

    def _new_client(self) -> httpx2.Client:
        settings = self._httpx_arguments()
        if not self._keeps_deadline:
            return httpx2.Client(**settings)
        # Imported late: it needs httpcore2.
        from ._transport import ARGUMENTS, Transport

        transport = Transport(self.base_url, **{name: settings[name] for name in ARGUMENTS if name in settings})
        rest = {name: value for name, value in settings.items() if name not in ARGUMENTS or name == "trust_env"}
        return httpx2.Client(**rest, transport=transport)

    def _build(self, make: Callable[[], HttpT]) -> HttpT:
        """Create an httpx2 client. Turns the many errors that httpx2 raises for bad settings into one."""
        try:
            client = make()
            self._cookies[client] = CallerCookies(client)
            return client
        except (httpx2.InvalidURL, AttributeError, ImportError, OSError, TypeError, ValueError) as error:
            # The URL of a proxy may contain a password.
            text = printable(re.sub(r"//[^/@]*@", "//***@", str(error)))
            problem = f"httpx2 cannot use the settings: {type(error).__name__}: {text}"
        raise ConfigurationError(problem)

    def close(self) -> None:
        """Close the connections of blocking calls. The client can be used again."""
        with self._lock:
            client = self._client
            if client is None or client in self._caller_clients:
                return
            self._client = None
        client.close()

    async def aclose(self) -> None:
        """Close the connections of asyncio calls. The client can be used again."""
        import asyncio

        with self._lock:
            client = self._async_client
            if client is None or client in self._caller_clients:
                return
            self._async_client = None
        # Connections of an event loop that has ended are gone with it.
        if self._loop is asyncio.get_running_loop():
            await client.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.aclose()

    # --- calls ---

    def send(self, call: Call, deadline: Deadline | None = None) -> Answer:
        """Send a request and return the answer. Raises ApiError for any status that is not a success."""
        return self.read(call, _identity, deadline)

    async def send_async(self, call: Call) -> Answer:
        """Like `send`, for asyncio."""
        return await self.read_async(call, _identity)

    def read(self, call: Call, reader: Callable[[Answer], ResultT], deadline: Deadline | None = None) -> ResultT:
        """Send a request and return what the reader makes of the answer."""
        http = self.get_httpx_client()
        return send(http, self._prepare(http, call), reader, deadline)

    async def read_async(self, call: Call, reader: Callable[[Answer], ResultT]) -> ResultT:
        """Like `read`, for asyncio."""
        http = self.get_async_httpx_client()
        return await send_async(http, self._prepare(http, call), reader)

    def _prepare(self, http: httpx2.Client | httpx2.AsyncClient, call: Call) -> PreparedRequest:
        if http.is_closed:
            raise ConfigurationError("the httpx2 client must be open (it is closed)")
        headers = self._headers | call.headers if call.headers else self._headers
        try:
            request = self._request(http, call, headers)
        except httpx2.InvalidURL as error:
            problem = f"the address of the request is invalid: {printable(str(error))}"
        else:
            cookies = self._cookies[http]
            if "Cookie" not in headers and "Cookie" not in http.headers:
                cookies.apply_to(request)
            keeps_deadline = self._keeps_deadline and http not in self._caller_clients
            return PreparedRequest(
                request, call.successes, self.retry, cookies, keeps_deadline, call.refusals, self.clock
            )
        raise ConfigurationError(problem)

    def _request(self, http: httpx2.Client | httpx2.AsyncClient, call: Call, headers: httpx2.Headers) -> httpx2.Request:
        address = str(self.base_url).rstrip("/") + call.path
        if http in self._caller_clients or http.params:
            return http.build_request(
                call.method, address, params=[*call.params], headers=headers, content=call.content
            )
        # Builds the same request in a third of the time: httpx2 parses the address twice, to add the query.
        replaced = {name.lower() for name, _ in headers.raw}
        return httpx2.Request(
            call.method,
            _parse_url(f"{address}?{urlencode(call.params)}" if call.params else address),
            headers=[pair for pair in http.headers.raw if pair[0].lower() not in replaced] + headers.raw,
            content=call.content,
            extensions={"timeout": http.timeout.as_dict()},
        )


# Caches addresses that recur, such as that of the first page.
_parse_url = functools.lru_cache(maxsize=128)(httpx2.URL)


def _identity(answer: Answer) -> Answer:
    return answer


@functools.cache
def _default_tls() -> ssl.SSLContext:
    """Load the trusted certificates once for all clients: this takes longer than most calls."""
    return httpx2.create_ssl_context()


def _setting(value: str | None, variable: str) -> str | None:
    return value if value is not None else os.environ.get(variable) or None


def _checked_url(base_url: object, credentials: Sequence[str]) -> httpx2.URL:
    requirement = "'base_url' must be an http or https address such as https://example.com/api"
    try:
        url = httpx2.URL(base_url) if isinstance(base_url, str) and not re.search(r"\s", base_url) else None
        if url is not None:
            # Like the resolver of the system, which rejects names with an empty or too long label.
            url.host.encode("idna")
    except (httpx2.InvalidURL, UnicodeError):
        url = None
    if url is None or url.scheme not in ("http", "https") or not url.host or not 0 < (url.port or 80) < 2**16:
        raise ConfigurationError(requirement)
    if url.userinfo:
        instead = f": use {' or '.join(credentials)}" if credentials else ""
        raise ConfigurationError(f"'base_url' must not contain a user name or password{instead}")
    if url.query or url.fragment:
        raise ConfigurationError(f"{requirement}, without query and fragment")
    return url


def _check_timeout(timeout: object) -> None:
    parts = [timeout]
    if isinstance(timeout, httpx2.Timeout):
        parts = list(timeout.as_dict().values())
    elif isinstance(timeout, tuple):
        parts = list(cast("tuple[object, ...]", timeout))
    for part in parts:
        if part is not None and (isinstance(part, bool) or not isinstance(part, int | float) or not part > 0):
            raise ConfigurationError(f"'timeout' must be None or a number of seconds above 0 (got {part!r:.60})")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
