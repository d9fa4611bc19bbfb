"""What stands before every route: the name of the host, who asks, where a write comes from, and headers of safety.

It wraps all applications, so a route that is added later is closed until somebody opens it here. Paths of another
system's protocol go through its door, which has words, methods and limits of its own.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from argosy.server import secret
from argosy.server.settings import Settings
from argosy.server.tie import Asgi, Receive, Scope, Send, tied
from argosy.store.store import Store
from argosy.store.tokens import Token

OPEN = frozenset({"/healthz", "/static/argosy.css", "/static/icon.svg"})
"""Paths that need no token: they hold nothing of anybody."""
CALLER = "auth"
"""Where the scope holds the `Token` that a request came with: `request.auth`."""
_SAFE = frozenset({"GET", "HEAD"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]


Refusal = tuple[int, str, str]
"""A status, what is wrong, and what to try."""


class Door(Protocol):
    """The application of another system's protocol, and what the guard must know of it."""

    def takes(self, path: str) -> bool:
        """Whether a path is of this protocol."""

    def is_open(self, path: str) -> bool:
        """Whether a path needs no token."""

    def limit(self, scope: Scope) -> int | None:
        """The bytes that a body may have; None for one that is streamed."""

    def reads(self, scope: Scope) -> bool:
        """Whether a request changes nothing, so that a viewer may make it."""

    def refusal(self, status: int, message: str, next: str) -> bytes:
        """A refusal as JSON."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry."""


class Guard:
    """Lets a request through to `app` when its Host, its token and, for a write, its origin and role are right.

    A token comes as `Authorization: Bearer …` or in a cookie, which opening any page with `?token=…` sets. Tokens
    that were found are believed for some seconds, so that a page costs one query; when one is revoked, or expires, the
    streams that it opened end as soon.
    """

    def __init__(
        self, app: Asgi, store: Store, settings: Settings, now: Callable[[], datetime], doors: Sequence[Door] = ()
    ) -> None:
        self.app, self._store, self._settings, self._now, self._doors = app, store, settings, now, doors
        self._believed: dict[str, tuple[float, Token]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        door = next((each for each in self._doors if each.takes(scope["path"])), None)
        if door is not None:
            await self._through(door, scope, headers, receive, send)
            return
        sender = _safely(send, private=scope["path"] not in OPEN)
        refusal = self._refused(scope, headers)
        if refusal is not None:
            await _answer(sender, *refusal, headers)
        elif scope["path"] in OPEN:
            await self.app(scope, receive, sender)
        else:
            await self._authenticated(scope, headers, receive, sender)

    async def _authenticated(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        name = _cookie_name(headers)
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        offered = query.pop("token", None)
        if offered is not None and scope["method"] in _SAFE:
            await self._sign_in(scope, offered, name, query, send)
            return
        bearer = headers.get("authorization", "")
        text = bearer[7:] if bearer.startswith("Bearer ") else _cookie(headers, name) or ""
        token = await self._find(text) if text else None
        if token is None:
            await _answer(send, 401, "this page needs a token", "open the URL that `argosy up` printed", headers)
        elif token.role == secret.CALLER:
            await _answer(send, *_of_caller(token), headers)
        elif scope["method"] not in _SAFE and token.role != secret.ADMIN:
            await _answer(
                send, 403, f"token {token.name!r} may only look", "ask for a token with the role admin", headers
            )
        elif scope["method"] not in _SAFE and not bearer and not _same_origin(headers):
            await _answer(send, 403, "the request comes from another site", "use the console's own page", headers)
        else:
            kept = self._settings.believed_seconds
            await tied(self.app, {**scope, CALLER: token}, receive, send, lambda: self._stands(text), kept)

    async def _through(self, door: Door, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        """A request of another system's protocol: a token as Bearer, or as the password of Basic; never a cookie."""
        refusal = self._of_host(headers) or _of_size(headers, door.limit(scope))
        if refusal is None and not door.is_open(scope["path"]):
            text = _offered(headers.get("authorization", ""))
            token = await self._find(text) if text else None
            if token is None:
                refusal = 401, "a token is needed", "send that of this server as Bearer"
            elif token.role == secret.CALLER:
                refusal = _of_caller(token)
            elif token.role != secret.ADMIN and not door.reads(scope):
                refusal = 403, f"token {token.name!r} may only look", "ask for a token with the role admin"
            scope = {**scope, CALLER: token}
        if refusal is None:
            await door(scope, receive, send)
            return
        status, message, hint = refusal
        await _send(send, status, b"application/json", door.refusal(status, message, hint))

    async def _stands(self, text: str) -> bool:
        return await self._find(text) is not None

    async def _sign_in(self, scope: Scope, offered: str, name: str, query: dict[str, str], send: Send) -> None:
        """Keep a good token in a cookie and go to the same address without it."""
        if await self._find(offered) is None:
            await _answer(
                send,
                401,
                "this token is not known, or has ended",
                "argosy up prints a new one",
                {"accept": "text/html"},
            )
            return
        place = "/" + quote(scope["path"].lstrip("/"), safe="/@") + (f"?{urlencode(query)}" if query else "")
        cookie = f"{name}={offered}; Path=/; HttpOnly; SameSite=Strict"
        cookie += "; Secure" if scope.get("scheme") == "https" else ""
        headers = [(b"location", place.encode()), (b"set-cookie", cookie.encode("latin-1"))]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _find(self, text: str) -> Token | None:
        key, moment, kept = secret.digest(text), time.monotonic(), self._settings.believed_seconds
        known = self._believed.get(key)
        if known is not None and moment - known[0] < kept:
            return known[1]
        found = await asyncio.to_thread(secret.find, self._store, text, self._now())
        self._believed = {k: v for k, v in self._believed.items() if moment - v[0] < kept and k != key}
        if found is not None:
            self._believed[key] = (moment, found)
        return found

    def _refused(self, scope: Scope, headers: dict[str, str]) -> Refusal | None:
        wrong = self._of_host(headers)
        if wrong is None and scope["method"] not in (*_SAFE, "POST"):
            wrong = 405, f"method {scope['method'][:12]} is not taken", "use GET or POST"
        wrong = wrong or _of_size(headers, self._settings.body_limit)
        if wrong is None and scope["method"] == "POST" and "content-length" not in headers:
            wrong = 411, "the length of the body is not given", "send Content-Length"
        return wrong

    def _of_host(self, headers: dict[str, str]) -> Refusal | None:
        host = _name(headers.get("host", ""))
        if host in self._settings.hosts:
            return None
        return 421, f"host {host[:60]!r} is not served here", "set ARGOSY_HOSTS to the names it is reached by"


def _of_caller(token: Token) -> Refusal:
    return 403, f"token {token.name!r} may only ask the inference server", "ask for a token with the role viewer"


def _of_size(headers: dict[str, str], limit: int | None) -> Refusal | None:
    length = headers.get("content-length", "0")
    if limit is None or (length.isdigit() and int(length) <= limit):
        return None
    return 413, f"the body is larger than {limit:,} bytes", "send less"


def _offered(authorization: str) -> str:
    """The token in a header: itself, or the password beside any name."""
    kind, _, text = authorization.partition(" ")
    if kind.lower() == "bearer":
        return text.strip()
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(text, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _name(host: str) -> str:
    """A Host without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def _cookie_name(headers: dict[str, str]) -> str:
    """One name per port: cookies of one machine are shared by all its ports."""
    port = headers.get("host", "").rpartition(":")[2]
    return f"argosy_{port}" if port.isdigit() else "argosy"


def _cookie(headers: dict[str, str], name: str) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return found.value if found else None


def _same_origin(headers: dict[str, str]) -> bool:
    """Whether a browser says that a write comes from one of our own pages; one that says nothing is not believed."""
    origin = headers.get("origin")
    if origin:
        return urlsplit(origin).netloc == headers.get("host")
    return headers.get("sec-fetch-site") == "same-origin"


def _safely(send: Send, *, private: bool) -> Send:
    more = [*_HEADERS, (b"cache-control", b"no-store")] if private else _HEADERS

    async def sender(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message.get("headers", ())}
            message = {**message, "headers": [*message.get("headers", ()), *(h for h in more if h[0] not in given)]}
        await send(message)

    return sender


async def _answer(send: Send, status: int, message: str, next: str, headers: dict[str, str]) -> None:
    """A refusal, as a small page for people and as JSON for programs."""
    if "text/html" in headers.get("accept", ""):
        kind, body = b"text/html; charset=utf-8", _page(status, message, next).encode()
    else:
        kind, body = b"application/json", msgspec.json.encode({"error": message, "next": next})
    await _send(send, status, kind, body)


async def _send(send: Send, status: int, kind: bytes, body: bytes) -> None:
    start = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    if status == 401:
        start.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


def _page(status: int, message: str, next: str) -> str:
    from argosy.console.page import render  # the console is not needed to refuse a program

    return render("refused.html", status=status, message=message, next=next)
