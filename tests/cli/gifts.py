"""A project whose pipeline gives something of every format."""

from __future__ import annotations

TEXT = """
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.linear_model import Ridge

import argosy as ag


class Route:
    def __init__(self, stops: list[str]) -> None:
        self.stops = stops


@ag.format(Route)
class Routes(ag.Format):
    name = "route"

    def save(self, value, file):
        file.write("\\n".join(value.stops).encode())

    def load(self, file, wanted):
        return Route(file.read().decode().split("\\n"))


@ag.step
def rows(n: int) -> ag.Table:
    return pl.DataFrame({"x": range(n), "name": ["<b>"] * n})


@ag.step
def told(n: int) -> dict[str, object]:
    return {"n": n, "at": (1, 2)}


@ag.step
def mixed(n: int) -> dict[str, object]:
    return {"frame": pl.DataFrame({"x": [n]})}


@ag.step
def halves(n: int) -> tuple[int, np.ndarray]:
    return n // 2, np.arange(n)


@ag.step
def square(x: int) -> int:
    return x * x


@ag.step
def frame(x: int) -> ag.Table:
    return pl.DataFrame({"x": [x]})


@ag.step
def fit(rows: ag.Table) -> ag.Model:
    return Ridge().fit(rows.select("x").to_numpy(), rows["x"].to_numpy())


@ag.step
def report(n: int) -> ag.Report:
    return (
        ag.Report.markdown("# Sales <script>alert(1)</script>") + ag.Report.html('<script>alert("2")</script>two')
        + ag.Report.plot("<svg></svg>")
    )


@ag.step
def one(n: int) -> Path:
    path = ag.scratch() / "scores of may.csv"
    path.write_text("a,b\\n1,2\\n")
    return path


@ag.step
def several(n: int) -> Path:
    path = ag.scratch() / "site"
    (path / "in").mkdir(parents=True)
    (path / "in" / "page.html").write_text("page")
    return path


@ag.step
def route(n: int) -> Route:
    return Route(["south", "north"])


@ag.pipeline
def gifts(n: int = 30):
    half, array = halves(n)
    table = rows(n)
    return {
        "rows": table, "told": told(n), "mixed": mixed(n), "array": array, "squares": square.map([1, 2, 3]),
        "frames": frame.map([1, 2]), "model": fit(table), "report": report(n), "file": one(n), "site": several(n),
        "route": route(n), "constant": 7,
    }
"""
