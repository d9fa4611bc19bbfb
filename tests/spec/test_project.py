"""Projects: what is declared together fits together."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec.document import decode, encode
from argosy.spec.feature import FeatureView, Spine, ViewReference, feature
from argosy.spec.project import Project

FLIGHTS = ag.Dataset("flights", time="t", known="recorded", source=ag.Parquet("x.parquet"))
WEATHER = ag.Dataset("weather", time="t", source=ag.Parquet("w.parquet"))


def scale(values: Any) -> Any:
    """A function that an estimator uses."""
    return values


def rows(since: object) -> list[pl.DataFrame]:
    """A source."""
    return []


@ag.feature_view(dataset=WEATHER, entity="origin", ttl="6h")
def conditions(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The weather.

    More of it.
    """
    return rows.select("origin", "t", warm=pl.col("temp") > 20)


def fleet(**fields: Any) -> ag.Fleet:
    given: dict[str, Any] = {
        "name": "late", "spine": FLIGHTS, "label": ag.Label("late", known_at="arrived"), "features": ["distance"],
        "candidates": [LogisticRegression()],
    }  # fmt: skip
    return ag.Fleet(**(given | fields))


def module(**members: Any) -> ModuleType:
    made = ModuleType("project")
    vars(made).update(members)
    return made


def test_collect_finds_declarations_under_any_name() -> None:
    found = Project.collect(module(x=fleet(features=[conditions]), again=FLIGHTS, FLIGHTS=FLIGHTS, w=WEATHER,
                                   view=conditions, other=5))  # fmt: skip
    assert (list(found.datasets), list(found.views), list(found.fleets)) == (
        ["flights", "weather"], ["conditions"], ["late"],
    )  # fmt: skip
    assert [each.name for each in found.declarations()] == ["flights", "weather", "conditions", "late"]
    assert Project.of(map(decode, map(encode, found.declarations()))) == found


def test_a_module_must_declare_something() -> None:
    with pytest.raises(DeclarationError, match="module project declares nothing"):
        Project.collect(module(x=5))


@pytest.mark.parametrize(
    ("declarations", "message"),
    [
        ([fleet()], r"Fleet\('late'\)\.spine is 'flights'; it must be declared in the project \(none is declared\)"),
        ([FLIGHTS, fleet(features=[conditions])], r"features is 'conditions'; it must be declared"),
        ([FLIGHTS, conditions], r"feature_view\('conditions'\)\.dataset is 'weather'; .* \(flights\)"),
        ([FLIGHTS, ag.Dataset("flights", time="u", source=ag.Parquet("x"))], "dataset is 'flights'; it must be decl"),
        ([FLIGHTS, fleet(), fleet(owner="ann")], "fleet is 'late'; it must be declared once"),
    ],
)
def test_references_and_names(declarations: list[Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        Project.of(declarations)


@pytest.mark.parametrize("leak", ["late", "arrived", "recorded"])
def test_what_is_known_too_late_is_no_feature(leak: str) -> None:
    hidden = ag.RequestFeatures(x=pl.when(pl.col("distance") > 5).then(pl.col(leak)))
    for features in ([leak], ["distance", hidden]):
        with pytest.raises(DeclarationError, match=f"is '{leak}'; it must be known before the prediction"):
            Project.of([FLIGHTS, fleet(features=features)])
    assert Project.of([FLIGHTS, fleet(features=["distance"])])


def test_a_name_may_be_used_by_each_kind() -> None:
    same = FeatureView("flights", "flights", ("a",), "m:f")
    assert Project.of([FLIGHTS, same, fleet(name="flights")]).views["flights"] is same


def test_functions_of_declarations() -> None:
    own = make_pipeline(FunctionTransformer(scale), LogisticRegression())
    source = ag.Dataset("made", time="t", source=ag.Function(rows))  # type: ignore[arg-type]
    project = Project.of([FLIGHTS, WEATHER, source, conditions, fleet(features=[conditions], candidates=[own])])
    assert project.functions(FLIGHTS) == ()
    assert project.functions(source) == (f"{__name__}:rows",)
    assert project.functions(conditions) == (f"{__name__}:conditions",)
    found = project.functions(project.fleets["late"])
    assert {f"{__name__}:conditions", f"{__name__}:scale", "sklearn.pipeline:Pipeline"} <= set(found)


def test_a_view_runs_its_function() -> None:
    frame = pl.LazyFrame({"origin": ["JFK"], "t": [1], "temp": [30.0]})
    assert conditions(frame).collect().to_dicts() == [{"origin": "JFK", "t": 1, "warm": True}]
    assert (conditions.description, conditions.ttl, conditions.entity) == ("The weather.", "6h", ("origin",))
    assert decode(encode(conditions)) == conditions


def test_features_of_each_kind() -> None:
    request = ag.RequestFeatures(hour=pl.col("t").dt.hour())
    assert [feature(each) for each in ("a", conditions, request)] == [Spine("a"), ViewReference("conditions"), request]


def referring(name: str, *others: str) -> ag.Dataset:
    contract = ag.Contract(references=[ag.Reference("a", other) for other in others])
    return ag.Dataset(name, time="t", source=ag.Parquet("x.parquet"), contract=contract)


def test_datasets_come_after_those_that_they_refer_to() -> None:
    found = Project.of([referring("a", "c"), referring("b"), referring("c", "b")])
    assert [each.name for each in found.declarations()] == ["b", "c", "a"]


def test_a_reference_to_the_same_columns_by_the_dataset_itself_is_the_same() -> None:
    assert ag.Reference("t", FLIGHTS) == ag.Reference(["t"], "flights", ["t"])
    assert str(ag.Reference(["a", "t"], FLIGHTS, ["b", "t"])) == "a, t in flights.b, flights.t"


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ([referring("a", "gone")], "Dataset('a').contract.references is 'gone'; it must be declared in the project"),
        ([referring("a", "b"), referring("b", "a")], "it must be free of circles"),
    ],
)
def test_references_to_nothing_and_in_a_circle_are_refused(datasets: list[ag.Dataset], message: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        Project.of(datasets)
    assert message in str(raised.value)
