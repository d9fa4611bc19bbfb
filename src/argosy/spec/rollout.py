"""How a version that passed its gates reaches traffic."""

from __future__ import annotations

from argosy.spec import check, duration
from argosy.spec.declared import Declared


class Immediate(Declared, frozen=True, tag="immediate", tag_field="kind"):
    """All rows at once."""


class Canary(Declared, frozen=True, tag="canary", tag_field="kind"):
    """A `share` of the rows for `bake`, then all of them; back to the champion as soon as it does worse.

    `metric` is compared between canary and champion on the rows each answered (default: the search's metric); worse by
    more than chance allows, or more than `errors` of its rows failing, rolls back. With fewer than `minimum_rows`
    labelled rows the canary is judged by its errors alone once `bake` is over.
    """

    share: float = 0.2
    bake: str = "2h"
    metric: str | None = None
    minimum_rows: int = 50
    errors: float = 0.01

    def __post_init__(self) -> None:
        check.put(self, "bake", duration.canonical(self.bake, "Canary.bake"))
        super().__post_init__()
        check.between("Canary.share", self.share, 0.001, 0.999)
        check.between("Canary.minimum_rows", self.minimum_rows, 1, 1e9)
        check.between("Canary.errors", self.errors, 0, 1)


Rollout = Immediate | Canary
