"""A project whose helpers stand in a module beside it, to be edited and applied again and again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from argosy.controller.apply import Applied, apply
from argosy.store import declarations, events
from argosy.store.store import Store

NOW = datetime(2013, 1, 1, tzinfo=UTC)
FLIGHTS = '''
import argosy as ag
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from helpers import scale, warm

flights = ag.Dataset("flights", time="t", source=ag.Parquet("f.parquet"), owner="ops")
weather = ag.Dataset("weather", time="t", source=ag.Parquet("w.parquet"))
planes = ag.Dataset("planes", time="t", source=ag.Parquet("p.parquet"))


@ag.feature_view(dataset=weather, entity="origin", ttl="6h")
def conditions(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The weather."""
    return warm(rows)


late = ag.Fleet(
    "late",
    spine=flights, by=["origin"], label="late", features=["distance", conditions],
    candidates=[make_pipeline(FunctionTransformer(scale), LogisticRegression(max_iter=200))],
    search=ag.Search("roc_auc"),
    gates=[ag.Gate("roc_auc", minimum=0.6)],
    retrain=ag.older_than("60d"),
    owner="ops",
)
'''
HELPERS = '''
LIMIT = 20

def warm(rows):
    """Warm or not."""
    return rows.filter(rows > LIMIT)

def scale(values):
    return values * 2

def unused(values):
    return values
'''


class Desk:
    """A project that is edited and applied."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder, self.days = store, folder, 0
        folder.mkdir()
        self.write("flights.py", FLIGHTS)
        self.write("helpers.py", HELPERS)

    def write(self, name: str, text: str) -> None:
        """A file of the project."""
        (self.folder / name).write_text(text)

    def edit(self, old: str, new: str, name: str = "flights.py") -> None:
        """Change a file."""
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new, 1))

    def apply(self, name: str = "flights.py", taken: str | None = None) -> Applied:
        """Apply it, a day later."""
        self.days += 1
        return apply(self.store, self.folder / name, NOW + timedelta(days=self.days), "ann", taken)

    def body(self, kind: str = "fleet", name: str = "late") -> dict[str, Any]:
        """The declaration in force."""
        with self.store.read() as conn:
            found = declarations.get(conn, kind, name)
        assert found is not None
        return found.body

    def facts(self) -> tuple[int, int]:
        """How many declarations and events there are."""
        with self.store.read() as conn:
            rows = sum(
                len(declarations.history(conn, kind, name))
                for kind in ("dataset", "feature_view", "fleet")
                for name in ("flights", "weather", "planes", "conditions", "late", "other")
            )
            return rows, len(events.of_subject(conn, "project:flights"))


def verbs(applied: Applied) -> set[tuple[str, str]]:
    """What was done to which name."""
    return {(each.verb, each.name) for each in applied.differences}


ALL = {"flights", "weather", "planes", "conditions", "late"}
