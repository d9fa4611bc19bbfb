"""What several pages read: how a fleet stands, a dataset's declaration, whom an address names."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from argosy.controller.standing import Standing, standing
from argosy.errors import UnknownError
from argosy.spec.dataset import Dataset
from argosy.spec.document import recorded
from argosy.store import declarations, members


def state(conn: Connection, name: str, now: datetime) -> Standing:
    """What is true of a fleet, with the status of every member. Raises `UnknownError` for a fleet that is not there."""
    found = standing(conn, name, now)
    if found is None:
        raise UnknownError(f"there is no fleet {name!r}", next="argosy get fleets")
    return found


def declared(conn: Connection, name: str) -> Dataset | None:
    """A dataset's declaration; None for one that the system fills itself."""
    found = declarations.get(conn, "dataset", name)
    wanted = recorded(found.body) if found else None
    return wanted if isinstance(wanted, Dataset) else None


def split(conn: Connection, address: str) -> tuple[str, str, members.State]:
    """(fleet, key, state) of a member's address. Raises `UnknownError` if there is no such member."""
    name, _, key = address.partition("/")
    found = members.state(conn, name, key)
    if found is None:
        raise UnknownError(f"there is no member {address!r}", next=f"argosy get members --where fleet:{name}")
    return name, key, found


def owner(body: dict[str, object]) -> str:
    """Who owns what a declaration's body declares."""
    return str(body.get("owner", ""))
