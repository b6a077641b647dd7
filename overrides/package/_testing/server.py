"""The fake server, as an httpx2 transport."""

from __future__ import annotations

import json
import math
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

import httpx2

from ..client import AuthenticatedClient, Client
from . import responses, validation
from .clock import FakeClock
from .contract import Contract
from .factory import ItemFactory
from .scripts import Asked, CutBody, ScheduledCall, Script, recorded
from .store import Item, Store, as_json, integer

# The approximate age of an item that is on no server.
_AGE = timedelta(hours=1)
_MAX_TIMES, _MAX_REQUESTS, _MAX_SECONDS = 1_000, 1_000_000, 1_000_000


class BaseServer:
    """The part of `FakeServer` that does not depend on the contract."""

    contract: ClassVar[Contract]

    def __init__(self, *, base_url: str = "https://fake.test", now: datetime | None = None) -> None:
        if now is not None and now.tzinfo is None:
            raise ValueError(f"'now' must have a time zone (got {now!r})")
        self.base_url = _address(base_url)
        self.clock = FakeClock(now or datetime.now(UTC))
        self.transport = Transport(self)
        self._prefix = urlsplit(base_url).path.rstrip("/")
        self._lock = threading.RLock()
        self._store = Store(self.contract)
        self._requests: list[Asked] = []
        self._scripts: deque[Script] = deque()
        self._scheduled: list[ScheduledCall] = []
        self._tokens = 0
        self.token = self.add_token()

    # --- as a client's server ---

    def client(self, **arguments: Any) -> AuthenticatedClient:
        """Return a client of this server, with its token. Waits of the client advance the server's clock at once.

        Args:
            **arguments: Further arguments of `AuthenticatedClient`, such as `retry`, or another credential.
        """
        known = [each.name for each in Client.config.credentials]
        if known and not any(name in arguments for name in known):
            arguments[known[0]] = self.token
        httpx_args = {**arguments.pop("httpx_args", {}), "transport": self.transport}
        client = AuthenticatedClient(self.base_url, **arguments, httpx_args=httpx_args)
        client.clock = self.clock
        return client

    @property
    def requests(self) -> Sequence[Asked]:
        """The requests received, in order, with credentials redacted."""
        return tuple(self._requests)

    @property
    def now(self) -> datetime:
        """The time of the server's clock. It advances only when something waits."""
        return self.clock.time

    @property
    def elapsed(self) -> float:
        """The seconds waited on the server's clock."""
        return self.clock.elapsed

    def advance(self, seconds: float) -> None:
        """Advance the server's clock."""
        self.clock.advance(seconds)

    # --- credentials ---

    def add_token(self) -> str:
        """Return a new credential that is allowed to do everything."""
        self._tokens += 1
        token = f"fake-token-{self._tokens}"
        self._store.tokens.add(token)
        return token

    def revoke(self, token: str | None = None) -> None:
        """Invalidate a credential, by default `token`, as if it had expired. Raise ValueError if it is not valid."""
        self._check_token(token)
        self._store.tokens.discard(token or self.token)

    def forbid(self, thing: object, token: str | None = None) -> None:
        """Deny a credential, by default `token`, access to an item or to what a path parameter identifies."""
        self._check_token(token)
        with self._lock:
            self._store.forbidden.add((token or self.token, self._store.path_value_of(thing)))

    def _check_token(self, token: str | None) -> None:
        if (token or self.token) not in self._store.tokens:
            raise ValueError("'token' must be a valid token of this server, and not be revoked")

    # --- scripts ---

    def before(self, request: int, move: Callable[[], object]) -> None:
        """Call a function before a request, such as `lambda: server.delete_...(...)`.

        Args:
            request: The number of the request, from 1 since the server was made.
            move: The function.

        Raises:
            ValueError: That request has been made already.
        """
        integer("request", request, len(self._requests) + 1, _MAX_REQUESTS)
        self._scheduled.append(ScheduledCall(request, move))

    def next(self, status: int, *, retry_after: int | None = None, times: int = 1) -> None:
        """Respond to the next request with an error, whatever it asks for.

        Args:
            status: The status, from 400 to 599.
            retry_after: The `Retry-After` header, in seconds.
            times: The number of requests.

        Raises:
            ValueError: An argument is out of bounds.
        """
        integer("status", status, 400, 599)
        headers = dict[str, str]()
        if retry_after is not None:
            integer("retry_after", retry_after, 0, _MAX_SECONDS)
            headers["Retry-After"] = str(retry_after)
        self._script(Script(f"next({status})", status=status, headers=headers), times)

    def next_cut(self, *, within_body: bool = False, times: int = 1) -> None:
        """Cut the connection of the next request: before the response, or within its body."""
        self._script(Script("next_cut()", cut="within" if within_body else "before"), times)

    def next_slow(self, seconds: float, *, times: int = 1) -> None:
        """Delay the next response by some seconds of the server's clock. A client with a shorter timeout times out."""
        self._script(Script(f"next_slow({seconds!r})", seconds=_seconds("seconds", seconds)), times)

    def next_malformed(self, *, times: int = 1) -> None:
        """Cut the body of the next response short, so that it is not JSON."""
        self._script(Script("next_malformed()", malformed=True), times)

    def next_later(self, *, times: int = 1, **fields: Any) -> None:
        """Respond to the next request like a later version of the API: set fields of the first item. The contract may
        not know them.
        """
        if not fields:
            raise ValueError("next_later() needs at least one field, such as a value that the contract does not know")
        self._script(Script("next_later()", fields=as_json(fields)), times)

    def _script(self, script: Script, times: int) -> None:
        integer("times", times, 1, _MAX_TIMES)
        self._scripts.extend([script] * times)

    def check(self) -> None:
        """Raise AssertionError if anything scripted did not happen."""
        left = [*(each.name for each in self._scripts), *(each.name for each in self._scheduled)]
        if left:
            made = f"{len(self._requests)} request{'' if len(self._requests) == 1 else 's'}"
            raise AssertionError(f"scripted, but did not happen within {made}: {', '.join(left)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *args: object) -> None:
        # Another error says more.
        if kind is None:
            self.check()

    # --- used by the generated methods ---

    def _add_resource(self, parameter: str, value: object) -> Any:
        with self._lock:
            return self._store.add_resource(parameter, value)

    def _add(self, name: str, owner: Sequence[object], count: int, seed: int, fields: Mapping[str, Any]) -> list[str]:
        with self._lock:
            whose = self._store.owner(name, owner)
            return [json.dumps(each) for each in self._store.add(name, whose, count, fields, seed, self.now)]

    def _new(self, name: str, owner: Sequence[object], seed: int, fields: Mapping[str, Any]) -> str:
        with self._lock:
            whose = self._store.owner(name, owner)
            return json.dumps(self._store.add(name, whose, 1, fields, seed, self.now, is_new=True)[0])

    def _items(self, name: str, owner: Sequence[object]) -> list[str]:
        with self._lock:
            return [json.dumps(each.value) for each in self._store.items(name, self._store.owner(name, owner))]

    def _change(self, name: str, item: object, fields: Mapping[str, Any]) -> str:
        with self._lock:
            return json.dumps(self._store.change(name, self._find(name, item), fields, self.now))

    def _delete(self, name: str, item: object) -> None:
        with self._lock:
            self._store.delete(name, self._find(name, item))

    def _find(self, name: str, thing: object) -> Item:
        found = self._store.item(name, thing)
        if found is None:
            raise ValueError(f"{self.contract.lists[name].noun} have no such item: {str(thing)!r:.80}")
        return found

    # --- requests ---

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        """Respond to a request. Its body must have been read."""
        with self._lock:
            path = request.url.raw_path.decode("ascii", "replace").partition("?")[0].removeprefix(self._prefix)
            entry = recorded(request, path)
            number = len(self._requests) + 1
            for call in [each for each in self._scheduled if each.request == number]:
                self._scheduled.remove(call)
                try:
                    call.do()
                except Exception as error:
                    raise AssertionError(f"the function of {call.name} failed: {error}") from error
            self._requests.append(entry)
            script = self._scripts.popleft() if self._scripts else Script("")
            response = self._answer(request, path, entry, script)
            entry.status = response.status_code
            return response

    def _answer(self, request: httpx2.Request, path: str, entry: Asked, script: Script) -> httpx2.Response:
        operation, texts, methods = validation.find_operation(self.contract.operations, request.method, path)
        parsed = None
        if operation is not None:
            parsed = validation.parse_request(self._store, operation, texts, request)
            entry.operation = operation.name
            entry.params = {
                **texts,
                **{name: value for (where, name), value in parsed.params.items() if where in ("path", "query")},
            }
        if script.seconds:
            self._wait(request, script.seconds)
        if script.cut == "before":
            raise httpx2.RemoteProtocolError("the connection was cut, as scripted", request=request)
        if script.status:
            return responses.refusal_response(self._store, operation, script.status, (), script.headers, self.now)
        if parsed is None:
            allow = {"Allow": ", ".join(dict.fromkeys(methods))} if methods else {}
            return responses.refusal_response(self._store, None, 405 if methods else 404, (), allow, self.now)
        response = responses.respond(self._store, parsed, self.now)
        return self._with_faults(request, response, parsed, script)

    def _wait(self, request: httpx2.Request, seconds: float) -> None:
        """Advance the clock, up to the timeout of the client."""
        timeout = request.extensions.get("timeout", {}).get("read")
        most = math.inf if timeout is None else float(timeout)
        self.clock.advance(min(seconds, most))
        if seconds >= most:
            raise httpx2.ReadTimeout("the response was slow, as scripted", request=request)

    def _with_faults(
        self, request: httpx2.Request, response: httpx2.Response, parsed: validation.ParsedRequest, script: Script
    ) -> httpx2.Response:
        content = response.content
        if script.fields:
            if not response.is_success:
                raise AssertionError(f"next_later() needs a success (got status {response.status_code})")
            body = json.loads(content)
            paging = parsed.operation.paging
            responses.set_fields_of_first_item(body, paging.items if paging else "", script.fields)
            content = json.dumps(body).encode()
        if script.malformed:
            content = content[: len(content) // 2] or b"{"
        if request.method == "HEAD":
            content = b""
        headers = [(name, value) for name, value in response.headers.items() if name.lower() != "content-length"]
        if script.cut == "within":
            return httpx2.Response(response.status_code, headers=headers, stream=CutBody(content or b"{}", request))
        return httpx2.Response(response.status_code, headers=headers, content=content)


class Transport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """A transport for httpx2 clients, blocking and asyncio, without a connection."""

    def __init__(self, server: BaseServer) -> None:
        self._server = server

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        return self._server.handle(request)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        return self._server.handle(request)


def make(contract: Contract, name: str, seed: int, now: datetime | None, fields: Mapping[str, Any]) -> str:
    """Return a new item of a list, as JSON, without a server.

    Raises:
        ValueError: The fields violate the contract.
    """
    moment = now or datetime.now(UTC)
    if moment.tzinfo is None:
        raise ValueError(f"'now' must have a time zone (got {now!r})")
    return json.dumps(
        ItemFactory(contract, contract.lists[name].item, seed).make(as_json(fields), moment - _AGE, moment)
    )


def renamed(names: Mapping[str, str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields under the names of the contract."""
    return {names.get(name, name): value for name, value in fields.items()}


def _address(value: object) -> str:
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise ValueError(f"'base_url' must be an address such as https://example.com/api (got {value!r:.60})")
    return value


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ValueError(f"'{name}' must be a number of seconds of at least 0 (got {value!r})")
    return float(value)
