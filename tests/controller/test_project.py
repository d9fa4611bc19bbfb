"""Projects from modules on disk: the words of `argosy`, and a whole project written with them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

import argosy as ag
from argosy.controller.project import forget, load
from argosy.spec.document import decode, encode

FLIGHTS = """
# flights.py: everything Argosy needs to know
import argosy as ag
import polars as pl
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression

flights = ag.Dataset("flights", time="scheduled_departure", key="flight_id",
                     source=ag.Parquet("data/flights/*.parquet"), owner="ops-analytics")
weather = ag.Dataset("weather", time="observed_at", source=ag.Parquet("data/weather.parquet"))

@ag.feature_view(dataset=weather, entity="origin", ttl="6h")
def conditions(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.select("origin", "observed_at", "temp", "wind_speed", "visib", "precip")

departs = pl.col("scheduled_departure")
calendar = ag.RequestFeatures(hour=departs.dt.hour(), weekday=departs.dt.weekday())

late = ag.Fleet(
    "late-arrival",
    spine=flights, by=["origin", "carrier"],
    label=ag.Label("late", known_at="arrived_at"),
    features=["distance", calendar, conditions],
    candidates=[
        ag.Candidate(LGBMClassifier(n_estimators=80), search={"num_leaves": ag.Int(7, 63)}),
        ag.Candidate(LogisticRegression(max_iter=500)),
    ],
    search=ag.Search(metric="roc_auc", trials=20),
    split=ag.TimeSplit(test="14d"),
    pooled=True,                       # one model over all rows backs up small and unseen members
    gates=[ag.Gate("roc_auc", minimum=0.60), ag.Gate("roc_auc", beats="champion"), ag.Gate("latency_p99_ms", maximum=5)],
    rollout=ag.Canary(share=0.2, bake="2h"),
    monitors=[ag.Drift("psi", limit=0.2, window="7d"), ag.Performance("roc_auc", minimum=0.58)],
    retrain=(ag.drifted() | ag.degraded() | ag.older_than("60d")) & ag.new_rows(500),
)
"""  # noqa: E501 - as the pages of the project show it


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Writes a module of a project."""

    def written(text: str) -> Path:
        path = tmp_path / "flights.py"
        path.write_text(text)
        return path

    yield written
    forget(str(tmp_path))


def test_the_flights_project(write: Callable[[str], Path]) -> None:
    project, module = load(write(FLIGHTS))
    assert isinstance(module, ModuleType)
    assert (list(project.datasets), list(project.views)) == (["flights", "weather"], ["conditions"])
    late = project.fleets["late-arrival"]
    assert (late.spine, late.by, late.task) == ("flights", ("origin", "carrier"), "binary")
    assert [candidate.name for candidate in late.candidates] == ["LGBMClassifier", "LogisticRegression"]
    assert late.candidates[0].estimator.parameters == {"n_estimators": 80}
    assert late.candidates[0].search == {"num_leaves": ag.Int(7, 63)}
    assert [gate.name for gate in late.gates] == ["roc_auc >= 0.6", "roc_auc beats champion", "latency_p99_ms <= 5"]
    assert late.retrain == (ag.drifted() | ag.degraded() | ag.older_than("60d")) & ag.new_rows(500)
    assert [decode(encode(each)) for each in project.declarations()] == project.declarations()
    rows = pl.LazyFrame({name: [1] for name in ("origin", "observed_at", "temp", "wind_speed", "visib", "precip", "x")})
    assert "x" not in project.views["conditions"](rows).collect_schema().names()


def test_every_word_is_exported() -> None:
    assert len(set(ag.__all__)) == len(ag.__all__)
    assert all(hasattr(ag, name) for name in ag.__all__)


def test_declaring_imports_no_model_library() -> None:
    program = (
        "import sys, argosy; from argosy.spec import document, project; "
        "print(*{'sklearn', 'lightgbm', 'polars', 'numpy', 'sqlalchemy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
