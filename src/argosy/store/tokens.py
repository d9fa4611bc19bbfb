"""Tokens that open the API; only their digests are kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, update

from argosy.errors import UnknownError
from argosy.store import schema
from argosy.store.rows import Row, columns, fetch, insert

_TABLE = schema.token


IN_FORCE, EXPIRED, REVOKED = "in force", "expired", "revoked"
VIEWER, CALLER, ADMIN = ROLES = ("viewer", "caller", "admin")
"""A viewer looks, a caller asks for predictions and sees nothing of the home, an admin does all."""


class Token(Row, frozen=True, kw_only=True):
    """`digest` is the SHA-256 of the secret."""

    digest: str
    name: str
    role: str
    at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> str:
        """`in force`, or which end it met first."""
        ends = [(at, word) for at, word in ((self.revoked_at, REVOKED), (self.expires_at, EXPIRED)) if at is not None]
        return next((word for at, word in sorted(ends) if at <= now), IN_FORCE)


def add(tx: Connection, token: Token) -> None:
    """Record a token."""
    insert(tx, _TABLE, [token])


def find(conn: Connection, digest: str, now: datetime) -> Token | None:
    """The token of a digest, unless it has expired or was revoked by `now`."""
    found = fetch(conn, columns(_TABLE, Token).where(_TABLE.c.digest == digest), Token)
    return next((token for token in found if token.state(now) == IN_FORCE), None)


def each(conn: Connection) -> list[Token]:
    """Every token ever made, newest first."""
    return fetch(conn, columns(_TABLE, Token).order_by(_TABLE.c.at.desc()), Token)


def revoke(tx: Connection, digest: str, now: datetime) -> None:
    """End a token at `now`. Raises `UnknownError` if there is none with this digest."""
    done = tx.execute(update(_TABLE).where(_TABLE.c.digest == digest).values(revoked_at=now))
    if done.rowcount == 0:
        raise UnknownError(f"there is no token with digest {digest[:12]}…", next="list the tokens first")
