"""`argosy promote`: make a version the champion by hand."""

from __future__ import annotations

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.registry import manual
from argosy.registry.address import parse


def promote(address: str, /, *, reason: str = "", common: Common | None = None) -> int:
    """Make a version answer for its member at once, whatever its gates said.

    For example:
      argosy promote late-arrival/JFK/AA@7 --reason "the outage is over"
      argosy promote late-arrival/JFK/AA        (its newest version)

    Parameters
    ----------
    address
        A version, or a member for its newest version.
    reason
        Why; kept with the move.
    """
    given = common or Common()
    with home.open(given.home) as store:
        said = manual.promote(store, parse(address), home.actor(), reason, home.clock(store).now())
    show.emit({"done": said}) if given.json else show.say(said)
    return 0
