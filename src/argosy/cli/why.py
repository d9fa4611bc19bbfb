"""`argosy why`: the explanation of one thing."""

from __future__ import annotations

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.controller import survey
from argosy.controller import why as reasons
from argosy.controller.house import House


def why(address: str, /, *, common: Common | None = None) -> int:
    """Explain who answers, why it was trained, what its gates said, and why nothing happens now.

    For example:
      argosy why late-arrival/JFK/AA          (a member: what holds, what is waited for)
      argosy why late-arrival/JFK/AA@7        (a version: how it came, what became of it)
      argosy why late-arrival                 (a fleet)
      argosy why weather                      (a dataset: what its contract found)

    Parameters
    ----------
    address
        A member, a version, a fleet or a dataset.
    """
    given = common or Common()
    with home.open(given.home) as store:
        now = home.clock(store).now()
        with House(store) as house:
            snapshot = survey.observe(house, now)
            with store.read() as conn:
                found = reasons.why(conn, snapshot, address, now)
    if given.json:
        show.emit(found)
        return 0
    show.put(f"{found.address}: {found.summary}")
    for topic in found.topics:
        show.put("", f"{topic.title}", f"  {topic.says}", *(f"    {line}" for line in topic.details))
        if topic.tree is not None:
            show.put(*(f"    {line}" for line in topic.tree.lines()))
    return 0
