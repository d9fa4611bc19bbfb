"""`argosy promote`: make a version the champion by hand, or those of many members at once."""

from __future__ import annotations

from argosy.cli.option import Common
from argosy.cli.select import move
from argosy.registry import manual, selection


def promote(
    address: str | None = None, /, *, where: str = "", reason: str = "", common: Common | None = None
) -> int:  # fmt: skip
    """Make a version answer for its member at once, or those of many members together, whatever their gates said.

    For example:
      argosy promote late-arrival/JFK/AA@7 --reason "the outage is over"
      argosy promote late-arrival/JFK/AA        (its newest version)
      argosy promote --where "fleet:late-arrival status:canary"
      argosy promote --where fleet:late-arrival        (all of its members, or none if one fails)

    Parameters
    ----------
    address
        A version, or a member for its newest version.
    where
        Of which members the newest version is promoted, as `argosy get members --where` takes it: in one transaction.
    reason
        Why; kept with the move.
    """
    return move(manual.promote, selection.promote, address, where, reason, common)
