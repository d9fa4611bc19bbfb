"""Searches among many runs: a hundred of those that a filter lets through, in an order."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tracker.client import Client
from tracker.fill import Made, fill, made
from tracker.load import Figure, drive
from tracker.server import PEER, Server
from tracker.size import Size

ROWS = 100


@dataclass(frozen=True)
class Shape:
    """A kind of search: its filter with a `{}` for what differs from search to search, and what it means.

    `keep` says whether a run passes for a bound, `key` what runs are ordered by, the least first.
    """

    title: str
    filter: str
    order: str
    bounds: tuple[float, ...]
    keep: Callable[[Made, float], bool]
    key: Callable[[Made], float]

    def body(self, experiment: str, number: int) -> dict[str, object]:
        """The request of the search of a number."""
        text = self.filter.format(self.bound(number))
        order = [self.order] if self.order else []
        return {"experiment_ids": [experiment], "filter": text, "order_by": order, "max_results": ROWS}

    def bound(self, number: int) -> float:
        """What differs in the search of a number."""
        return self.bounds[number % len(self.bounds)]

    def found(self, among: list[Made], number: int) -> list[str]:
        """The numbers of the runs that the search must find, in its order."""
        passed = [each for each in among if self.keep(each, self.bound(number))]
        return [str(each.number) for each in sorted(passed, key=self.key)[:ROWS]]


def _near(value: float, step: float) -> tuple[float, ...]:
    return tuple(round(value + place * step, 6) for place in range(10))


SHAPES = (
    Shape("half pass, best first", "metrics.accuracy > {}", "metrics.accuracy DESC", _near(0.5, 0.001),
          lambda run, bound: run.metrics["accuracy"] > bound, lambda run: -run.metrics["accuracy"]),
    Shape("half pass, by another metric", "metrics.accuracy > {}", "metrics.loss ASC", _near(0.5, 0.001),
          lambda run, bound: run.metrics["accuracy"] > bound, lambda run: run.metrics["loss"]),
    Shape("1 % pass, by another metric", "metrics.accuracy > {}", "metrics.loss ASC", _near(0.99, 0.0001),
          lambda run, bound: run.metrics["accuracy"] > bound, lambda run: run.metrics["loss"]),
    Shape("0.1 % pass, latest first", "metrics.accuracy > {}", "attributes.start_time DESC", _near(0.999, 0.00001),
          lambda run, bound: run.metrics["accuracy"] > bound, lambda run: -run.start),
    Shape("two metrics, 25 % pass, best first", "metrics.accuracy > {} and metrics.loss < 0.5", "metrics.f1 DESC",
          _near(0.5, 0.001), lambda run, bound: run.metrics["accuracy"] > bound and run.metrics["loss"] < 0.5,
          lambda run: -run.metrics["f1"]),
    Shape("a parameter, by a metric", "params.depth = '{:.0f}'", "metrics.loss ASC", _near(1, 1),
          lambda run, bound: run.params["depth"] == f"{bound:.0f}", lambda run: run.metrics["loss"]),
    Shape("a tag and a metric, by a metric", "tags.team = 'c' and metrics.auc >= {}", "metrics.auc ASC",
          _near(0.3, 0.01), lambda run, bound: run.tags["team"] == "c" and run.metrics["auc"] >= bound,
          lambda run: run.metrics["auc"]),
    Shape("finished, oldest first", "attributes.status = 'FINISHED' and metrics.accuracy > {}",
          "attributes.start_time ASC", _near(0.5, 0.001),
          lambda run, bound: run.metrics["accuracy"] > bound, lambda run: run.start),
    Shape("none, by a metric", "", "metrics.loss ASC", (0,), lambda run, _: True, lambda run: run.metrics["loss"]),
    Shape("none, latest first", "", "", (0,), lambda run, _: True, lambda run: -run.start),
)  # fmt: skip


def title(count: int, shape: Shape) -> str:
    """What a figure of a search is called."""
    return f"search {count:,}: {shape.title}"


def search(server: Server, size: Size) -> Iterator[Figure]:
    """Every kind of search over every number of runs; the peer is asked over the first number alone."""
    for count in size.runs[:1] if server.name == PEER else size.runs:
        runs = list(made(count))
        with Client(server) as client:
            experiment = client.post("experiments/create", name=f"search {secrets.token_hex(4)}")["experiment_id"]
        fill(server, experiment, runs)
        for shape in SHAPES:
            ask = partial(_ask, experiment=experiment, server=server.name, shape=shape, first=shape.found(runs, 0))
            load = drive(server, 1, size.searches_of_peer if server.name == PEER else size.searches, ask)
            yield Figure(title(count, shape), "p95 ms", load.p95)
            yield from load.spent(title(count, shape), server)


def _ask(client: Client, number: int, *, experiment: str, server: str, shape: Shape, first: list[str]) -> None:
    """Search; the first one must find the runs of these numbers, in this order."""
    found = client.post("runs/search", **shape.body(experiment, number)).get("runs", [])
    told = [pair["value"] for run in found for pair in run["data"]["params"] if pair["key"] == "number"]
    if number == 0 and told != first:
        raise SystemExit(f"{server}: {shape.title} found other runs, or in another order: {told}")
