"""What is tried for a member: candidates, their search spaces, and the budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from argosy.spec import check, parameter
from argosy.spec.declared import Declared
from argosy.spec.estimator import Estimator
from argosy.spec.frozen import EMPTY
from argosy.spec.limit import FILLED, between
from argosy.spec.metric import Metric


class Int(Declared, frozen=True, tag="int", tag_field="kind"):
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check.ordered("Int", self.low, self.high)
        if self.log and self.low <= 0:
            raise check.fail("Int.low", self.low, "above 0 on a log scale", "raise it, or use log=False")


class Float(Declared, frozen=True, tag="float", tag_field="kind"):
    """Real numbers from `low` to `high`; on a log scale where `log` is true."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check.ordered("Float", self.low, self.high)
        if self.log and self.low <= 0:
            raise check.fail("Float.low", self.low, "above 0 on a log scale", "raise it, or use log=False")


class Choice(Declared, frozen=True, tag="choice", tag_field="kind"):
    """One of some values that JSON can hold."""

    values: Annotated[tuple[str | int | float | bool | None, ...], FILLED]

    if TYPE_CHECKING:

        def __init__(self, values: Sequence[str | int | float | bool | None]) -> None:
            """Any sequence of values."""

    def __post_init__(self) -> None:
        check.put(self, "values", check.sequence("Choice.values", self.values))
        super().__post_init__()
        if not self.values:
            raise check.fail("Choice.values", (), "a list of at least one value", "name a value")


Space = Int | Float | Choice


class Candidate(Declared, frozen=True):
    """An estimator that may become a member's model, with the parameters that the search may set.

    Candidates are tried in the order given, so put the cheapest first: a later one must be better to win. An
    estimator that cannot take missing values is given median imputation and scaling in front. A name in `search` that
    is no parameter of the estimator is refused, as far as its class can tell.

    A model is kept in a form that holds no code. One that has none is kept as a pickle where its candidate is
    `trusted`: whoever asks it runs its code, in a process of its own that may do little.
    """

    estimator: Estimator
    search: Mapping[str, Space] = EMPTY
    name: str = ""
    trusted: bool = False

    if TYPE_CHECKING:

        def __init__(
            self, estimator: Any, search: Mapping[str, Space] = ..., name: str = "", trusted: bool = False
        ) -> None:
            """What a user may write; `estimator` is any scikit-learn compatible estimator."""

    def __post_init__(self) -> None:
        given: Any = self.estimator
        estimator = Estimator.of(given, "Candidate.estimator")
        check.put(self, "estimator", estimator)
        check.instance("Candidate.search", self.search, Mapping, "a dict of ag.Int, ag.Float or ag.Choice")
        for key, space in self.search.items():
            check.instance(f"Candidate.search[{key!r}]", space, (Int, Float, Choice), "ag.Int, ag.Float or ag.Choice")
        if not self.name:
            check.put(self, "name", estimator.name)
        super().__post_init__()
        check.column("Candidate.name", self.name)
        if given is not estimator:
            parameter.check(f"Candidate({self.name!r}).search", given, self.search)


class Search(Declared, frozen=True):
    """The search's measure and budget.

    The parent (all rows of the fleet) is tuned with `trials` trials; each member then tries the parent's best
    `member_trials` settings on its own rows. `folds` forward-chained folds in time score a trial. `blend` rounds of
    greedy selection mix what was tried into one model, which is taken if it beats the best of it alone.
    """

    metric: Metric = "log_loss"
    trials: Annotated[int, between(1, 10_000)] = 20
    member_trials: Annotated[int, between(1, 100)] = 3
    folds: Annotated[int, between(1, 20)] = 1
    seed: Annotated[int, between(0, 2**31 - 1)] = 0
    blend: Annotated[int, between(0, 100)] = 0


def candidate(value: Any) -> Candidate:
    """A candidate from itself or from a bare estimator."""
    return value if isinstance(value, Candidate) else Candidate(value)
