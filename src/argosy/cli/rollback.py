"""`argosy rollback`: undo the last change of who answers for a member."""

from __future__ import annotations

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.registry import manual
from argosy.registry.address import parse


def rollback(member: str, /, *, reason: str = "", common: Common | None = None) -> int:
    """Undo a member's last change: end its rollout, or give the place back to what answered before.

    For example:
      argosy rollback late-arrival/JFK/AA --reason "complaints from the gate"
      argosy get aliases --where "address:late-arrival/JFK/AA"        (what answered when)

    Parameters
    ----------
    member
        The member's address.
    reason
        Why; kept with the move.
    """
    given = common or Common()
    with home.open(given.home) as store:
        said = manual.roll_back(store, parse(member), home.actor(), reason, home.clock(store).now())
    show.emit({"done": said}) if given.json else show.say(said)
    return 0
