"""`argosy approve`: a person's answer to a gate."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.registry import manual
from argosy.registry.address import parse


def approve(
    address: str, /, *, refuse: Annotated[bool, Parameter(negative="")] = False, reason: str = "",
    common: Common | None = None,
) -> int:  # fmt: skip
    """Grant what an approval gate waits for, or refuse it. The controller goes on from there.

    For example:
      argosy approve late-arrival/JFK/AA --reason "checked with ops"
      argosy approve late-arrival/JFK/AA@7 --refuse --reason "December is missing"
      argosy get verdicts --where "passed:none"        (what waits)

    Parameters
    ----------
    address
        The member whose newest version waits, or that version.
    refuse
        Say no.
    reason
        Why; kept with the answer.
    """
    given = common or Common()
    with home.open(given.home) as store:
        now = home.clock(store).now()
        said = manual.approve(store, parse(address), not refuse, home.actor(), reason, now)
    show.emit({"done": said}) if given.json else show.say(said)
    return 0
