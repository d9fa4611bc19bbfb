"""Whom a command changes: one by its address, or those that a filter selects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.errors import UsageError
from argosy.registry.address import Address, parse
from argosy.registry.selection import Select
from argosy.store import Store

Move = Callable[[Store, Address, str, str, datetime], str]
Moves = Callable[[Store, Select, str, str, datetime], str]


def move(one: Move, many: Moves, address: str | None, where: str, reason: str, common: Common | None) -> int:
    """Do to one member what `one` does, or to those that a filter selects what `many` does, and say what was done."""
    given = common or Common()
    with home.open(given.home) as store:
        now, actor = home.clock(store).now(), home.actor()
        chosen = _select(address, where, now)
        if isinstance(chosen, str):
            said = one(store, parse(chosen), actor, reason, now)
        else:
            said = many(store, chosen, actor, reason, now)
    show.emit({"done": said}) if given.json else show.say(said)
    return 0


def _select(address: str | None, where: str, now: datetime) -> str | Select:
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
