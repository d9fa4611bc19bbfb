"""`argosy describe`: all that is known of one thing."""

from __future__ import annotations

from sqlalchemy import Connection

from argosy.cli import home, show
from argosy.cli.get import plural
from argosy.cli.option import Common
from argosy.errors import UnknownError
from argosy.store import resources


def describe(kind: str, name: str, /, *, common: Common | None = None) -> int:
    """Show every field of one thing, nested ones too. Long lists are cut; --json holds all of them.

    For example:
      argosy describe member late-arrival/JFK/AA
      argosy describe version late-arrival/JFK/AA@7
      argosy describe dataset flights
      argosy describe statistics flights@12 --json
      argosy describe execution 17 --json

    Parameters
    ----------
    kind
        What it is: member, version, fleet, dataset, execution, ...
    name
        Its name, address, number or digest.
    """
    given = common or Common()
    with home.open(given.home) as store, store.read() as conn:
        try:
            found = resources.get(conn, plural(kind), name)
        except UnknownError as error:
            raise (_empty(conn, name) if plural(kind) == "datasets" else None) or error from None
    if given.json:
        show.emit(found)
    else:
        show.put(*show.tree(found))
    return 0


def _empty(conn: Connection, name: str) -> UnknownError | None:
    """What to say of a dataset that is declared and has no version; None for another."""
    from argosy.controller import observe, supply  # they need Polars, which what is there does not

    wanted = observe.wanted(conn)
    if ("dataset", name) not in wanted:
        return None
    lack = supply.lacks(conn, wanted, [name], ()).get(name)
    says, next = (f": {lack.says}", lack.next) if lack else ("", f"argosy why {name}")
    return UnknownError(f"dataset {name} has no version yet{says}", next=next)
