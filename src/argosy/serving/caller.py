"""Who asks: a token of the home, known by its digest."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from argosy.store.tokens import ADMIN, CALLER, IN_FORCE, Token

_SERVER = "argosy serve"
_SCHEME, _BASIC = b"bearer ", b"basic "
_REMEMBERED = 1_000


class Caller(msgspec.Struct, frozen=True):
    """The name and the role of the token that a request came with."""

    name: str
    role: str

    def may(self, method: str) -> bool:
        """Whether it may ask for this: a viewer only looks, and asks for no prediction."""
        return method == "GET" or self.role in (CALLER, ADMIN)


class Callers:
    """Finds the caller of a request by its header `authorization`.

    `read` gives every token of the home. The server's `own` token is an admin's until the home says otherwise: one that
    has ended there opens nothing here. `take` brings what was read, from the thread that finds.
    """

    def __init__(
        self,
        own: str,
        read: Callable[[], Iterable[Token]] = tuple,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._own, self._now = sha256(own.encode()).hexdigest(), now
        self._tokens: list[Token] = []
        self._read = read
        self._known: dict[str, Caller] = {}
        self._seen: dict[bytes, Caller] = {}
        self.take([])

    def read(self) -> list[Token]:
        """The tokens of now; it may block, and raises what the store raises."""
        return list(self._read())

    def take(self, tokens: list[Token] | None = None) -> None:
        """Believe these from now on, or those of last time (None), which may have expired since."""
        if tokens is not None:
            self._tokens = tokens
        now = self._now()
        known = {each.digest: Caller(each.name, each.role) for each in self._tokens if each.state(now) == IN_FORCE}
        if all(each.digest != self._own for each in self._tokens):
            known[self._own] = Caller(_SERVER, ADMIN)
        if known != self._known:
            self._known, self._seen = known, {}

    def find(self, authorization: bytes) -> Caller | None:
        """The caller, None for a token that opens nothing. It may come as the password of any user: some clients know
        no other way.

        A text that was found once is found again by itself. That tells a stranger nothing: a table compares the whole
        text only where a keyed hash of it is the same.
        """
        found = self._seen.get(authorization)
        if found is None and (token := _token(authorization)):
            found = self._known.get(sha256(token).hexdigest())
            if found is not None and len(self._seen) < _REMEMBERED:
                self._seen[authorization] = found
        return found


def _token(authorization: bytes) -> bytes:
    """The token of a header, empty where it has none."""
    if authorization[: len(_SCHEME)].lower() == _SCHEME:
        return authorization[len(_SCHEME) :].strip()
    if authorization[: len(_BASIC)].lower() == _BASIC:
        try:
            return b64decode(authorization[len(_BASIC) :], validate=True).partition(b":")[2]
        except ValueError:
            return b""
    return b""
