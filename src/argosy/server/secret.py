"""Tokens: made from 256 random bits, kept as their SHA-256, found again by it."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from hmac import compare_digest

from argosy.errors import InputError
from argosy.store import tokens
from argosy.store.store import Store
from argosy.store.tokens import Token

VIEWER, ADMIN = "viewer", "admin"
ROLES = (VIEWER, ADMIN)


def issue(store: Store, name: str, role: str, now: datetime, lifetime: timedelta | None = None) -> str:
    """Make a token and record its digest; the text itself is returned once and kept nowhere."""
    if role not in ROLES:
        raise InputError(f"there is no role {role!r}", next=f"use one of: {', '.join(ROLES)}")
    secret = secrets.token_urlsafe(32)
    ends = now + lifetime if lifetime is not None else None
    with store.write() as tx:
        tokens.add(tx, Token(digest=digest(secret), name=name, role=role, at=now, expires_at=ends))
    return secret


def digest(secret: str) -> str:
    """SHA-256 of a token's text, hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def find(store: Store, secret: str, now: datetime) -> Token | None:
    """The token of a text, None if there is none that is in force at `now`."""
    wanted = digest(secret)
    with store.read() as conn:
        found = tokens.find(conn, wanted, now)
    return found if found is not None and compare_digest(found.digest, wanted) else None
