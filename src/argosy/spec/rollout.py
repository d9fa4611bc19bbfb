"""How a version that passed its gates reaches traffic."""

from __future__ import annotations

from typing import Annotated

from argosy.spec import check, duration
from argosy.spec.declared import Declared
from argosy.spec.duration import Duration
from argosy.spec.limit import between
from argosy.spec.metric import Metric


class Immediate(Declared, frozen=True, tag="immediate", tag_field="kind"):
    """All rows at once."""


class Canary(Declared, frozen=True, tag="canary", tag_field="kind"):
    """A `share` of the rows for `bake`, then all of them; back to the champion as soon as it does worse.

    A row that the canary fails on is answered by the champion. It is rolled back

    - for its score, when `metric` (default: the search's) on the rows it answered is worse than the champion's on its
      own by more than chance allows, once both have `minimum_rows` labelled rows; with fewer it is judged by its
      errors alone;
    - for its errors, when it failed on more than the share `errors` of its rows and on a larger share than the
      champion: while it bakes only if chance does not explain the difference (p < 0.01), at the end of `bake` anyway
      if it was asked for `minimum_rows`; asked for fewer it bakes on, for `patience` more at most.

    Otherwise it is promoted at the end of `bake`, and the reason on record says on what evidence. A canary that was
    asked for no row bakes on until it is, for `patience` more at most; then it is promoted on its gates alone.
    """

    share: Annotated[float, between(0.001, 0.999)] = 0.2
    bake: Duration = "2h"
    metric: Metric | None = None
    minimum_rows: Annotated[int, between(1, 10**9)] = 50
    errors: Annotated[float, between(0, 1)] = 0.01
    patience: Duration = "7d"

    def __post_init__(self) -> None:
        check.put(self, "bake", duration.canonical(self.bake, "Canary.bake"))
        check.put(self, "patience", duration.canonical(self.patience, "Canary.patience"))
        super().__post_init__()


Rollout = Immediate | Canary
