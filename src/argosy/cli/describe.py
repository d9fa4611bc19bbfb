"""`argosy describe`: all that is known of one thing."""

from __future__ import annotations

from argosy.cli import home, show
from argosy.cli.get import plural
from argosy.cli.option import Common
from argosy.store import resources


def describe(kind: str, name: str, /, *, common: Common | None = None) -> int:
    """Show every field of one thing, nested ones too. Long lists are cut; --json holds all of them.

    For example:
      argosy describe member late-arrival/JFK/AA
      argosy describe version late-arrival/JFK/AA@7
      argosy describe dataset flights
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
        found = resources.get(conn, plural(kind), name)
    if given.json:
        show.emit(found)
    else:
        show.put(*show.tree(found))
    return 0
