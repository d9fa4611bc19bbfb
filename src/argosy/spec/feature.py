"""Feature views and request features: one definition that trains and serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from argosy.spec import check, duration
from argosy.spec.dataset import Dataset
from argosy.spec.declared import Declared
from argosy.spec.duration import Duration
from argosy.spec.expression import Expression
from argosy.spec.function import register, resolve
from argosy.spec.limit import FILLED, ColumnName, ColumnNames, Name

if TYPE_CHECKING:
    import polars as pl


class Spine(Declared, frozen=True, tag="column", tag_field="kind"):
    """A feature that is a column of the spine, known when the prediction is asked for."""

    name: ColumnName

    def __post_init__(self) -> None:
        super().__post_init__()
        check.column("feature", self.name)


class ViewReference(Declared, frozen=True, tag="view", tag_field="kind"):
    """All features of a feature view, by its name."""

    name: str


class RequestFeatures(Declared, frozen=True, tag="request", tag_field="kind"):
    """Features computed from the columns of a request by Polars expressions: data, not code."""

    expressions: Annotated[Mapping[ColumnName, Expression], Meta(extra_json_schema={"minProperties": 1})]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.expressions:
            raise check.fail("RequestFeatures", {}, "at least one expression", "write RequestFeatures(hour=pl.col(…))")
        for name in self.expressions:
            check.column("RequestFeatures", name)


class FeatureView(Declared, frozen=True, tag="feature_view", tag_field="kind"):
    """A named transformation of a dataset, keyed by entity and time.

    `ttl`: how long a value counts after its event, the same offline and online. `lookback`: how much earlier history
    the function needs to compute a new row (rolling features), so that new rows alone can be materialised.
    Called with a frame it runs the function itself, as in a unit test.
    """

    name: Name
    dataset: str
    entity: Annotated[ColumnNames, FILLED]
    function: str
    ttl: Duration | None = None
    lookback: Duration | None = None
    description: str = ""

    def __post_init__(self) -> None:
        field = f"feature_view({self.name!r})"
        check.name("feature_view.name", self.name)
        check.put(self, "entity", check.columns(f"{field}.entity", self.entity))
        if not self.entity:
            raise check.fail(f"{field}.entity", (), "at least one column", "name the column that keys the features")
        for name in ("ttl", "lookback"):
            given = getattr(self, name)
            if given is not None:
                check.put(self, name, duration.canonical(given, f"{field}.{name}"))
        super().__post_init__()

    def __call__(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The view's rows for rows of its dataset."""
        result: pl.LazyFrame = resolve(self.function)(rows)
        return result


Feature = Spine | ViewReference | RequestFeatures


def request_features(**expressions: object) -> RequestFeatures:
    """Request features by name: `RequestFeatures(hour=pl.col("t").dt.hour())`, each made of one row alone."""
    return RequestFeatures({name: Expression.by_row(e, f"RequestFeatures.{name}") for name, e in expressions.items()})


def feature_view(
    *, dataset: Dataset | str, entity: str | Sequence[str], ttl: str | None = None,
    lookback: str | None = None, name: str | None = None, description: str = "",
) -> Callable[[Callable[[pl.LazyFrame], pl.LazyFrame]], FeatureView]:  # fmt: skip
    """Declare a function from a LazyFrame of the dataset's rows to entity, time and feature columns as a view."""

    def declare(function: Callable[[Any], Any]) -> FeatureView:
        return FeatureView(
            name=name or function.__name__, dataset=dataset.name if isinstance(dataset, Dataset) else dataset,
            entity=(entity,) if isinstance(entity, str) else tuple(entity), function=register(function, "feature_view"),
            ttl=ttl, lookback=lookback, description=description or (function.__doc__ or "").strip().partition("\n")[0],
        )  # fmt: skip

    return declare


def feature(value: object) -> Feature:
    """One entry of a fleet's features: a column's name, a view, or request features."""
    if isinstance(value, str):
        return Spine(value)
    if isinstance(value, FeatureView):
        return ViewReference(value.name)
    check.instance("Fleet.features", value, (Spine, ViewReference, RequestFeatures),
                   "a column name, a feature view or RequestFeatures")  # fmt: skip
    return value  # type: ignore[return-value]
