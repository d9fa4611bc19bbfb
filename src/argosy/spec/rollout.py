"""How a version that passed its gates reaches traffic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, TypeAlias

from argosy.spec import check, duration
from argosy.spec.declared import Declared
from argosy.spec.duration import Duration
from argosy.spec.limit import ColumnName, between
from argosy.spec.metric import LOSSES, Loss, Metric

_Share = Annotated[float, between(0.001, 0.999)]
_SHARE = 0.2


class Immediate(Declared, frozen=True, tag="immediate", tag_field="kind"):
    """All rows at once."""


class Canary(Declared, frozen=True, tag="canary", tag_field="kind"):
    """A `share` of the rows for `bake`, then all of them; back to the champion as soon as it does worse.

    With `steps`, shares that grow, each is baked before the next. A row that the canary fails on is answered by the
    champion. It is rolled back

    - for its score, when `metric` (default: the search's) on the rows it answered is worse than the champion's on its
      own by more than chance allows, once both have `minimum_rows` labelled rows; with fewer it is judged by its
      errors alone;
    - for its errors, when it failed on more than the share `errors` of its rows and on a larger share than the
      champion: while it bakes only if chance does not explain the difference (p < 0.01), at the end of `bake` anyway
      if it was asked for `minimum_rows`; asked for fewer it bakes on, for `patience` more at most;
    - for its latency, where `latency_p99_ms` or `slower` is given, when more than 1 % of the requests that it answered
      took longer than that, or than `slower` times the champion's 99th percentile, by more than chance explains;
    - for its inputs, where `quality` is given, when the share of its rows with a bad value of one feature (see
      `Quality`) is larger by more than that than among the rows that it was trained on, and chance does not explain it.

    Otherwise it goes on to the next step at the end of `bake`, and is promoted after the last; the reason on record
    says on what evidence. A canary that was asked for no row bakes on until it is, for `patience` more at most; then it
    goes on on its gates alone.
    """

    share: _Share = _SHARE
    bake: Duration = "2h"
    metric: Metric | None = None
    minimum_rows: Annotated[int, between(1, 10**9)] = 50
    errors: Annotated[float, between(0, 1)] = 0.01
    patience: Duration = "7d"
    steps: tuple[_Share, ...] = ()
    latency_p99_ms: Annotated[float, between(0.001, 10**6)] | None = None
    slower: Annotated[float, between(1, 10**3)] | None = None
    quality: Annotated[float, between(0, 1)] | None = None

    def __post_init__(self) -> None:
        check.put(self, "steps", check.sequence("Canary.steps", self.steps))
        _canonical(self, "bake", "patience")
        super().__post_init__()
        if not self.steps:
            return
        if sorted({*self.steps}) != [*self.steps]:
            raise check.fail("Canary.steps", list(self.steps), "shares that grow", "write [0.05, 0.2, 0.5]")
        if self.share not in (_SHARE, self.steps[0]):
            raise check.fail("Canary.share", self.share, "left out where there are steps", "make it the first of steps")
        check.put(self, "share", self.steps[0])
        if len(self.steps) == 1:
            check.put(self, "steps", ())

    def after(self, share: float) -> float | None:
        """The share of the step that follows one with `share`; None after the last."""
        return next((step for step in self.steps if step > share), None)

    @property
    def deadlines(self) -> tuple[timedelta, ...]:
        """How long after its start, or that of its step, time alone may decide something."""
        return _baked(self.bake, self.patience)


class Shadow(Declared, frozen=True, tag="shadow", tag_field="kind"):
    """The new version scores a `share` of the rows beside the champion for `bake`, and answers none of them.

    Both are compared on the same rows. It is rejected

    - for its score, when `metric` (default: the search's) on the rows that both scored is worse than the champion's by
      more than chance allows, once `minimum_rows` of them have their label;
    - for its predictions, where `difference` is given, when they are further from the champion's than that on average
      at the end of `bake`, over `minimum_rows` rows or more;
    - for its errors, as a canary is.

    Otherwise it is promoted at the end of `bake`. One that scored no row goes on, for `patience` more at most; then it
    is promoted on its gates alone.
    """

    share: Annotated[float, between(0.001, 1)] = 1.0
    bake: Duration = "2h"
    metric: Metric | None = None
    minimum_rows: Annotated[int, between(1, 10**9)] = 50
    errors: Annotated[float, between(0, 1)] = 0.01
    difference: Annotated[float, between(0, 1e300)] | None = None
    patience: Duration = "7d"

    def __post_init__(self) -> None:
        _canonical(self, "bake", "patience")
        super().__post_init__()

    @property
    def deadlines(self) -> tuple[timedelta, ...]:
        """How long after its start time alone may decide something."""
        return _baked(self.bake, self.patience)


class ABTest(Declared, frozen=True, tag="ab_test", tag_field="kind"):
    """A `share` of the keys `by` meets the new version, the others the champion, until their losses decide.

    `by` is a column of the spine that requests may carry (default: the key of the row): all rows of one key meet the
    same version for as long as the test lasts, and they count as one observation. `metric` is a loss a row (default:
    the search's metric if it is one, else log_loss or rmse). The interval of its mean gain holds at level 1 - `alpha`
    however often it is looked at. The test ends as soon as

    - the whole interval is above `effect`, the gain that is worth the change: the new version is promoted;
    - the whole interval is below `effect`: the champion stays;
    - it failed on rows beyond `errors`, as a canary;
    - `longest` is over: undecided, so the champion stays.

    There is no decision by loss before both have `minimum_rows` labelled observations: means of so many must be near
    normal, so ask for more where labels are rarely positive (300 where 3 % are).
    """

    share: _Share = 0.5
    metric: Loss | None = None
    by: ColumnName | None = None
    alpha: Annotated[float, between(1e-6, 0.5)] = 0.05
    effect: Annotated[float, between(0, 1e300)] = 0.0
    minimum_rows: Annotated[int, between(10, 10**9)] = 100
    errors: Annotated[float, between(0, 1)] = 0.01
    longest: Duration = "28d"

    def __post_init__(self) -> None:
        _canonical(self, "longest")
        if self.by is not None:
            check.column("ABTest.by", self.by)
        super().__post_init__()

    def loss(self, searched: str, task: str) -> str:
        """The loss that decides in a fleet that searches by a metric."""
        given = self.metric or searched
        return given if given in LOSSES else "log_loss" if task == "binary" else "rmse"

    @property
    def deadlines(self) -> tuple[timedelta, ...]:
        """How long after its start time alone decides."""
        return (duration.parse(self.longest),)


Gradual: TypeAlias = Canary | Shadow | ABTest
"""The rollouts that take time: a new version is tried beside the champion."""
Rollout: TypeAlias = Immediate | Gradual
NOUNS: Mapping[str, str] = MappingProxyType({"canary": "canary", "shadow": "shadow", "ab_test": "A/B test"})
"""What people call the kinds of rollout that take time."""
_KINDS: Mapping[str, type[Gradual]] = MappingProxyType({"canary": Canary, "shadow": Shadow, "ab_test": ABTest})


def kind(rollout: Rollout) -> str:
    """`immediate`, `canary`, `shadow` or `ab_test`."""
    return str(rollout.__struct_config__.tag)


def under_way(declared: Rollout, started: str) -> Gradual:
    """What holds for a rollout that was `started` as one kind, whatever the fleet declares by now.

    Where that is another kind, it goes on as it was started, by the defaults of that.
    """
    return declared if not isinstance(declared, Immediate) and kind(declared) == started else _KINDS[started]()


def _canonical(rollout: Declared, *names: str) -> None:
    for name in names:
        field = f"{type(rollout).__name__}.{name}"
        check.put(rollout, name, duration.canonical(getattr(rollout, name), field))


def _baked(bake: str, patience: str) -> tuple[timedelta, ...]:
    return duration.parse(bake), duration.parse(bake) + duration.parse(patience)
