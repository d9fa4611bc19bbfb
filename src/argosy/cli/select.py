"""Whom a command changes: one by its address, or those that a filter selects."""

from __future__ import annotations

from datetime import datetime

from argosy.errors import UsageError
from argosy.registry.selection import Select


def select(address: str | None, where: str, now: datetime) -> str | Select:
    """The address, or what gives the ids of the members that a filter selects. Raises UsageError for both or neither.

    The filter may raise it too, once it is asked.
    """
    if (address is None) is not bool(where):
        given = f"both {address} and --where are" if where else "nobody is"
        raise UsageError(f"{given} named", next="name a member, or select some: --where fleet:NAME")
    if address is not None:
        return address
    from argosy.cli import status  # it needs Polars, which one address does not

    return lambda conn: status.selected(conn, where, now)
