"""Tokens: made from 256 random bits, kept as their SHA-256, found again by it."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from hmac import compare_digest

from sqlalchemy import Connection

from argosy.errors import ConflictError, UnknownError, UsageError
from argosy.store import events, tokens
from argosy.store.store import Store
from argosy.store.tokens import Token

VIEWER, CALLER, ADMIN = ROLES = tokens.ROLES


_LONGEST = 80
_SHORTEST = 8
_LIKE_A_DIGEST = re.compile(f"[0-9a-fA-F]{{{_SHORTEST},}}")


def issue(
    store: Store, name: str, role: str, now: datetime, lifetime: timedelta | None = None, *, actor: str = "argosy",
    at: datetime | None = None, alone: bool = False,
) -> str:  # fmt: skip
    """Make a token and record its digest; the text itself is returned once and kept nowhere.

    The event that tells of it says who did it (`actor`) and bears the time of the home, `at` (default: `now`, which is
    the machine's). Raises `UsageError` for a name or a role that cannot be; with `alone`, `ConflictError` where a
    token of this name is in force.
    """
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}", next=f"use one of: {', '.join(ROLES)}")
    _check(name)
    text = secrets.token_urlsafe(32)
    ends = now + lifetime if lifetime is not None else None
    made = Token(digest=digest(text), name=name, role=role, at=now, expires_at=ends)
    with store.write() as tx:
        if alone and any(token.name == name and token.state(now) == tokens.IN_FORCE for token in tokens.each(tx)):
            raise ConflictError(
                f"a token {name!r} is in force already", next="give this one another name, or revoke that one first"
            )
        tokens.add(tx, made)
        until = f"until {ends:%Y-%m-%d %H:%M} UTC" if ends is not None else "no expiry"
        _tell(tx, made, "token.created", f"made, role {role}, {until}", actor, at or now)
    return text


def revoke(store: Store, which: str, now: datetime, *, actor: str = "argosy", at: datetime | None = None) -> Token:
    """End the token in force that bears this name, or whose digest begins so; returns it as it was.

    Raises `UnknownError` where there is none, `ConflictError` where there are several.
    """
    with store.write() as tx:
        standing = [token for token in tokens.each(tx) if token.state(now) == tokens.IN_FORCE]
        found = [token for token in standing if token.name == which or _begins(token, which)]
        if not found:
            raise UnknownError(f"no token {which[:_LONGEST]!r} is in force", next="argosy token list")
        if len(found) > 1:
            digests = ", ".join(token.digest[:12] for token in found[:5])
            raise ConflictError(
                f"{len(found)} tokens are named {which!r}, or have a digest that begins so",
                next=f"say which by its digest, one of {digests}",
            )
        tokens.revoke(tx, found[0].digest, now)
        _tell(tx, found[0], "token.revoked", "was revoked", actor, at or now)
    return found[0]


def _check(name: str) -> None:
    """Raise UsageError for what cannot be read, or would be taken for an option or for the digest of a token."""
    readable = name.strip() == name and name.isprintable() and 0 < len(name) <= _LONGEST
    if not readable or name.startswith("-") or _LIKE_A_DIGEST.fullmatch(name):
        raise UsageError(
            f"{name[:_LONGEST]!r} cannot name a token",
            next=f"give 1 to {_LONGEST} letters, as in dashboard; not a dash first, nor {_SHORTEST} or more hex digits "
            "alone, as digests have them",
        )


def _begins(token: Token, which: str) -> bool:
    return len(which) >= _SHORTEST and token.digest.startswith(which)


def _tell(tx: Connection, token: Token, kind: str, done: str, actor: str, at: datetime) -> None:
    message = f"token {token.name!r} ({token.digest[:12]}) {done}"
    event = events.NewEvent(
        at=at, kind=kind, subject=f"token:{token.name}", actor=actor, message=message,
        body={"digest": token.digest, "role": token.role},
    )  # fmt: skip
    events.add(tx, [event])


def digest(secret: str) -> str:
    """SHA-256 of a token's text, hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def find(store: Store, secret: str, now: datetime) -> Token | None:
    """The token of a text, None if there is none that is in force at `now`."""
    wanted = digest(secret)
    with store.read() as conn:
        found = tokens.find(conn, wanted, now)
    return found if found is not None and compare_digest(found.digest, wanted) else None
