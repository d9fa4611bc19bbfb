"""`argosy rollback`: undo the last change of who answers for a member, or for many."""

from __future__ import annotations

from argosy.cli.option import Common
from argosy.cli.select import move
from argosy.registry import manual, selection


def rollback(
    member: str | None = None, /, *, where: str = "", reason: str = "", common: Common | None = None
) -> int:  # fmt: skip
    """Undo the last change of a member, or of many: end its rollout, or give the place back to what answered before.

    For example:
      argosy rollback late-arrival/JFK/AA --reason "complaints from the gate"
      argosy rollback --where "fleet:late-arrival status:degraded"
      argosy get aliases --where "address:late-arrival/JFK/AA"        (what answered when)

    Parameters
    ----------
    member
        The member's address.
    where
        Which members are rolled back, as `argosy get members --where` takes it: all in one transaction.
    reason
        Why; kept with the move.
    """
    return move(manual.roll_back, selection.roll_back, member, where, reason, common)
