"""Steps that the tests of declarations put together; none of them is ever run in a worker."""

from __future__ import annotations

import pathlib
from datetime import date
from typing import Annotated, Any

import argosy as ag

flights = ag.Dataset("flights", time="at", source=ag.Parquet("flights/*.parquet"))


@ag.step
def load(rows: ag.Table, n: int = 3) -> ag.Table:
    return rows.head(n)


@ag.step
def split(rows: ag.Table, test: float = 0.2) -> tuple[Annotated[ag.Table, "train"], Annotated[ag.Table, "test"]]:
    cut = round(rows.height * (1 - test))
    return rows.head(cut), rows.tail(rows.height - cut)


@ag.step
def names(rows: ag.Table) -> list[str]:
    return sorted(set(rows["name"].to_list()))


@ag.step
def fit(train: ag.Table, name: str, depth: int = 6) -> dict[str, int]:
    return {name: depth * train.height}


@ag.step
def merge(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    return a | b


@ag.step
def report(models: list[dict[str, int]], day: date | None = None) -> str:
    return f"{len(models)} models"


@ag.step
def good(text: str) -> bool:
    return len(text) > 3


@ag.step
def shout(text: str) -> str:
    return text.upper()


@ag.step
def read(path: pathlib.Path) -> str:
    return path.read_text()


@ag.step
def loose(given: Any) -> Any:
    return given


@ag.step
def told(failed: ag.Failed) -> None:
    raise RuntimeError(failed.pipeline)


@ag.pipeline
def prepare(rows: Any, n: int = 3) -> Any:
    return split(load(rows, n))


@ag.pipeline(schedule="0 6 * * *", on=ag.new_version(flights), on_failure=told)
def nightly(flights: ag.Dataset, depth: int = 6) -> Any:
    """Fit each name, every night."""
    train, test = prepare(flights)
    models = fit.map(train, name=names(train), depth=depth)
    text = report(models)
    return ag.when(good(text), lambda: shout(text), lambda: text), test
