"""`argosy route`: who answers the rows of one caller."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.controller.clock import SystemClock
from argosy.errors import UsageError
from argosy.registry import rule
from argosy.registry.address import parse


def route(
    address: str, /, *, caller: str, to: Literal["champion", "challenger", "pooled"] | None = None,
    end: Annotated[bool, Parameter(negative="")] = False, reason: str = "", common: Common | None = None,
) -> int:  # fmt: skip
    """Say who answers the rows that one caller asks for. The inference server follows within a second.

    A rule for a member goes before one for its fleet, and both before rollouts. It stays until --end, or another takes
    its place.

    For example:
      argosy route late-arrival --caller testers --to challenger
      argosy route late-arrival --caller billing --to champion       (no canary, no A/B test)
      argosy route late-arrival/JFK/AA@7 --caller audit --reason "as in March"
      argosy route late-arrival --caller testers --end
      argosy get rules --where caller:testers

    Parameters
    ----------
    address
        A fleet, a member, or the version that answers; FLEET/*@NUMBER is a version of the pooled model, for all rows.
    caller
        The name of the token that the requests come with.
    to
        Who answers in place of one version: the champion alone, the version under trial, or the pooled model.
    end
        End the rule.
    reason
        Why; kept with the rule.
    """
    given = common or Common()
    asked = parse(address)
    if end and (to is not None or asked.number is not None):
        raise UsageError("--end ends whatever rule there is", next=f"argosy route {asked.member} --caller NAME --end")
    with home.open(given.home) as store:
        now, actor = home.clock(store).now(), home.actor()
        if end:
            said = rule.end(store, asked, caller, actor, reason, now)
        else:
            said = rule.lay(store, asked, caller, to, actor, reason, now, today=SystemClock().now())
    show.emit({"done": said}) if given.json else show.say(said)
    return 0
