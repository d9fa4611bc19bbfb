"""The declaration of a fleet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from argosy.spec import check, duration, quantile
from argosy.spec.condition import Condition, OlderThan, _Condition
from argosy.spec.dataset import Dataset
from argosy.spec.declared import Declared
from argosy.spec.duration import Duration
from argosy.spec.feature import Feature, FeatureView, RequestFeatures, Spine, ViewReference, feature
from argosy.spec.gate import Approval, Gate
from argosy.spec.inputs import Inputs
from argosy.spec.interval import Interval
from argosy.spec.limit import FILLED, ColumnName, ColumnNames, Name, between
from argosy.spec.metric import CLASSIFICATION, METRICS, SPREAD
from argosy.spec.monitor import MONITORS, Monitor, Performance
from argosy.spec.rollout import ABTest, Canary, Immediate, Rollout, Shadow
from argosy.spec.search import Candidate, Search, candidate
from argosy.spec.slice import Slice, slice_of

POOLED = "*"
"""The key of the pooled model among the members of a fleet."""


class Label(Declared, frozen=True):
    """What is predicted: a column of the spine, and the column of the time at which it became known."""

    column: ColumnName
    known_at: ColumnName | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check.column("Label.column", self.column)
        if self.known_at is not None:
            check.column("Label.known_at", self.known_at)


class TimeSplit(Declared, frozen=True):
    """Held-out rows are the last `test` of each member's time; nothing is shuffled."""

    test: Duration = "14d"

    def __post_init__(self) -> None:
        check.put(self, "test", duration.canonical(self.test, "TimeSplit.test"))
        super().__post_init__()


class Fleet(Declared, frozen=True, tag="fleet", tag_field="kind"):
    """One model for every value of the key columns `by`, kept trained, gated, served and watched.

    `spine` is the dataset of labelled rows; a prediction is made `lead` before its event time. `pooled` puts one model
    over all rows behind small and unseen members. `history` limits training to the last so much time (default: all the
    past). A member with fewer than `minimum_rows` labelled rows has no model of its own. `slices` are parts of the
    held-out rows that are scored by themselves. `time_limit` and `memory_mb` bound the training of one member.
    `inputs` says what the inference server does with rows that do not fit; `interval` puts bounds around predicted
    numbers, `quantiles` are levels that are predicted each by a model of its own beside the median, which is the
    prediction.
    """

    name: Name
    spine: Name
    label: Label
    features: Annotated[tuple[Feature, ...], FILLED]
    candidates: Annotated[tuple[Candidate, ...], FILLED]
    by: ColumnNames = ()
    search: Search = Search()
    split: TimeSplit = TimeSplit()
    pooled: bool = False
    slices: tuple[Slice, ...] = ()
    gates: tuple[Gate | Approval, ...] = ()
    rollout: Rollout = Immediate()
    monitors: tuple[Monitor, ...] = ()
    retrain: Condition = OlderThan("30d")
    lead: Duration | None = None
    history: Duration | None = None
    minimum_rows: Annotated[int, between(10, 10**9)] = 100
    time_limit: Duration = "5m"
    memory_mb: Annotated[int, between(64, 10**6)] = 2048
    inputs: Inputs = Inputs()
    interval: Interval | None = None
    quantiles: tuple[quantile.Level, ...] = ()
    owner: str = ""
    description: str = ""

    if TYPE_CHECKING:

        def __init__(
            self,
            name: str,
            *,
            spine: Dataset | str,
            label: Label | str,
            features: Sequence[str | FeatureView | Feature],
            candidates: Sequence[Candidate | Any],
            by: Sequence[str] | str = (),
            search: Search = ...,
            split: TimeSplit = ...,
            pooled: bool = False,
            slices: Sequence[str | Slice] = (),
            gates: Sequence[Gate | Approval] = (),
            rollout: Rollout = ...,
            monitors: Sequence[Monitor] = (),
            retrain: Condition = ...,
            lead: str | None = None,
            history: str | None = None,
            minimum_rows: int = 100,
            time_limit: str = "5m",
            memory_mb: int = 2048,
            inputs: Inputs = ...,
            interval: Interval | None = None,
            quantiles: Sequence[float] = (),
            owner: str = "",
            description: str = "",
        ) -> None:
            """What a user may write; the fields hold its canonical form."""

    def __post_init__(self) -> None:
        check.name("Fleet.name", self.name)
        self._references()
        self._collections()
        self._durations()
        check.put(self, "quantiles", quantile.ordered(f"Fleet({self.name!r}).quantiles", self.quantiles))
        super().__post_init__()
        field = f"Fleet({self.name!r})"
        kinds = (Immediate, Canary, Shadow, ABTest)
        check.instance(
            f"{field}.rollout", self.rollout, kinds, "ag.Immediate(), ag.Canary(), ag.Shadow() or ag.ABTest()"
        )
        check.instance(f"{field}.retrain", self.retrain, _Condition, "a condition, such as ag.older_than('30d')")
        check.distinct(f"{field}.features", self._feature_names())
        self._one_task()
        self._spread()

    @property
    def task(self) -> Literal["binary", "regression"]:
        """`binary` or `regression`, as the search's metric says."""
        return "binary" if self.search.metric in CLASSIFICATION else "regression"

    @property
    def approval(self) -> str | None:
        """The name of the gate at which a person is asked; None where nobody is."""
        return next((gate.name for gate in self.gates if isinstance(gate, Approval)), None)

    def _references(self) -> None:
        field = f"Fleet({self.name!r})"
        spine: object = self.spine
        check.put(self, "spine", spine.name if isinstance(spine, Dataset) else spine)
        check.name(f"{field}.spine", self.spine)
        label: object = self.label
        check.put(self, "label", Label(label) if isinstance(label, str) else label)
        check.instance(f"{field}.label", self.label, Label, "ag.Label('column')")

    def _collections(self) -> None:
        field = f"Fleet({self.name!r})"
        check.put(self, "by", check.columns(f"{field}.by", self.by))
        check.put(self, "features", tuple(feature(f) for f in check.sequence(f"{field}.features", self.features)))
        if not self.features:
            raise check.fail(f"{field}.features", (), "a list of at least one feature", "name a column of the spine")
        given = check.sequence(f"{field}.candidates", self.candidates)
        check.put(self, "candidates", tuple(candidate(c) for c in given))
        if not self.candidates:
            raise check.fail(
                f"{field}.candidates", (), "a list of at least one candidate", "ag.Candidate(LGBMClassifier())"
            )
        check.distinct(f"{field}.candidates", (c.name for c in self.candidates))
        check.put(self, "slices", tuple(slice_of(s) for s in check.sequence(f"{field}.slices", self.slices)))
        check.distinct(f"{field}.slices", (s.name for s in self.slices))
        for name, kinds, noun in (
            ("gates", (Gate, Approval), "ag.Gate or ag.Approval"),
            ("monitors", MONITORS, "ag.Drift, ag.Performance, ag.Quality, ag.Skew or ag.Attribution"),
        ):
            items = check.sequence(f"{field}.{name}", getattr(self, name))
            for item in items:
                check.instance(f"{field}.{name}", item, kinds, noun)
            check.put(self, name, items)
        check.distinct(f"{field}.gates", (gate.name for gate in self.gates))
        asked = [gate for gate in self.gates if isinstance(gate, Approval)]
        if len(asked) > 1:
            raise check.fail(
                f"{field}.gates", asked[1].name, f"the only approval, as one answer stands for all ({asked[0].name})",
                f"write one: ag.Approval({' and '.join(each.by for each in asked)!r})",
            )  # fmt: skip

    def _feature_names(self) -> list[str]:
        """Names of columns and of request features; a view stands for its columns under its own name."""
        names = []
        for each in self.features:
            match each:
                case Spine(name=name):
                    names.append(name)
                case RequestFeatures(expressions=expressions):
                    names += expressions
                case ViewReference(name=name):
                    names.append(f"view {name}")
        return names

    def _durations(self) -> None:
        for name in ("lead", "history", "time_limit"):
            given = getattr(self, name)
            if given is not None:
                check.put(self, name, duration.canonical(given, f"Fleet({self.name!r}).{name}"))

    def _one_task(self) -> None:
        """Every score asked for must belong to the task that the search's metric implies."""
        field = f"Fleet({self.name!r})"
        allowed = {m for m in METRICS if (m in CLASSIFICATION) == (self.task == "binary")}
        for gate in self.gates:
            if isinstance(gate, Gate) and gate.metric in METRICS:
                check.member(f"{field}.gates.metric", gate.metric, allowed)
        for monitor in self.monitors:
            if isinstance(monitor, Performance):
                check.member(f"{field}.monitors.metric", monitor.metric, allowed)
        if not isinstance(self.rollout, Immediate) and self.rollout.metric:
            check.member(f"{field}.rollout.metric", self.rollout.metric, allowed)
        if self.interval is not None and self.task == "binary":
            raise check.fail(
                f"{field}.interval", self.interval, "left out where a probability is predicted",
                "leave it out, or search by a metric of regressions such as ag.Search(metric='mae')",
            )  # fmt: skip

    def _spread(self) -> None:
        """Quantiles are of numbers, by candidates that can be told which to predict; a gate on them needs some."""
        field = f"Fleet({self.name!r})"
        if self.quantiles and self.task == "binary":
            raise check.fail(
                f"{field}.quantiles", self.quantiles, "left out where a probability is predicted",
                "leave it out, or search by a metric of regressions such as ag.Search(metric='mae')",
            )  # fmt: skip
        for each in self.candidates if self.quantiles else ():
            if quantile.aimed(each.estimator, quantile.MIDDLE) is None:
                raise check.fail(
                    f"{field}.candidates", each.name, "of a class that predicts quantiles where quantiles is set",
                    "use LGBMRegressor, XGBRegressor, HistGradientBoostingRegressor or QuantileRegressor",
                )  # fmt: skip
        for gate in self.gates:
            if isinstance(gate, Gate) and gate.metric in SPREAD and not self.quantiles:
                raise check.fail(
                    f"{field}.gates.metric", gate.metric, "of a fleet with quantiles", "write quantiles=[0.1, 0.5, 0.9]"
                )
