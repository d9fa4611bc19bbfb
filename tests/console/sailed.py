"""A home with real runs of a pipeline in it, whose steps say, make and are called what should never be believed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import argosy as ag
from argosy.controller import code, running
from argosy.controller.house import House
from argosy.controller.project import forget
from argosy.store import Store, calls, edges, executions, leases, pauses, runs, underway
from argosy.store.leases import Lease
from argosy.store.runs import Run
from tests.console import declared

EVIL = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
PROJECT = f"""
from __future__ import annotations

from typing import Annotated

import numpy as np
import polars as pl

import argosy as ag

EVIL = {EVIL!r}
SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='90' height='40' onload=\\"top.document.title='owned'\\">" \\
    "<script>top.document.title='owned'</script><rect width='80' height='30'/></svg>"
PAGE = "<h1>Its own</h1><p id='told'>still</p>" + EVIL + "<script>document.getElementById('told').textContent='ran';" \\
    "top.document.title='owned'</script><a href='/act' target='_top'>go</a>"


@ag.step
def load(n: int) -> pl.DataFrame:
    for each in range(600):
        print(f"row {{each}} of the harbour")
    print(EVIL)
    return pl.DataFrame({{"carrier": [EVIL, "DL"] * n, "<b>late</b>": [True, None] * n}})


@ag.step
def parts(rows: ag.Table) -> list[int]:
    return [0, 1, 2, 3, 4]


@ag.step(retries=1)
def score(part: int, depth: int) -> float:
    print("scoring", part)
    ag.log(loss=1 / (part + 1), note=EVIL)
    if part == 3:
        raise ValueError(f"part {{part}} is {{EVIL}}")
    return part * depth / 4


@ag.step
def grid(n: int) -> Annotated[np.ndarray, "grid"]:
    return np.arange(12.0).reshape(3, 4)


@ag.step
def paper(scores: list[float]) -> ag.Report:
    text = f"# Scores\\n\\n{{len(scores)}} of them. {{EVIL}}\\n\\n[bad](javascript:alert(1))"
    return ag.Report.markdown(text) + ag.Report.html(PAGE) + ag.Report.plot(SVG)


@ag.step
def sink(n: int) -> int:
    raise RuntimeError("it sank: " + EVIL)


@ag.step
def raised(n: int) -> int:
    return n


@ag.pipeline
def voyage(n: int = 2, depth: int = 3, label: str = EVIL):
    rows = load(n)
    scores = score.map(parts(rows), depth=depth, keep_going=True)
    raised(sink(n))
    return {{"paper": paper(scores), "rows": rows, "scores": scores, "grid": grid(n)}}


@ag.pipeline
def short(n: int = 2):
    return grid(n)
"""


@ag.step
def nothing() -> int:
    """What a declared pipeline calls."""
    return 0


@ag.pipeline(schedule="0 6 * * *", zone="Europe/Berlin", on=ag.after("short"), description=f"Sails {EVIL}")
def voyage() -> int:
    """See `PROJECT`; only its schedule is of interest here."""
    return nothing()


@ag.pipeline(schedule="6h")
def short() -> int:
    """The same."""
    return nothing()


def now() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


def home(root: Path) -> Store:
    """A store under `root`: voyage failed as run 1 and, with another depth, as run 2; short succeeded as run 3.

    Both are declared, and short is paused.
    """
    store = Store.open(root / "home")
    module = root / "sea.py"
    module.write_text(PROJECT)
    with House(store, actor="ann") as house:
        for name, given in (("voyage", {}), ("voyage", {"depth": 5}), ("short", {})):
            found = code.of_files(house, module, name, now())
            made = running.setting(house, found, given)
            asked = running.request(house, found, given, "asked for")
            running.carry_out(house, found, running.begun(house, asked, made), made)
    forget(str(root))
    with store.write() as tx:
        declared.declare(tx, [voyage, short])
        pauses.add(tx, pauses.NewPause(pipeline="short", paused=True, at=now(), actor="ann", reason=EVIL))
    return store


def depart(store: Store) -> tuple[Run, Lease]:
    """A run that is at work: `first` begins, `second` and `third` wait for it."""
    nodes = [
        {"name": "first", "kind": "call", "needs": [], "step": "sea:first"},
        {"name": "second", "kind": "map", "needs": ["first"], "step": "sea:second"},
        {"name": "third", "kind": "call", "needs": ["second"], "step": "sea:third"},
    ]
    asked = runs.NewRun(
        pipeline="tide", key=declared.digest("tide"), at=now() - timedelta(seconds=20), actor="ann", cause="asked for",
        inputs={"flights": "flights@3"}, body={"nodes": nodes, "recipes": {}, "results": [], "chosen": []},
    )  # fmt: skip
    with store.write() as tx:
        run = runs.begin(tx, asked)
    lease = leases.claim(store, run.lease, "ann", now(), timedelta(minutes=10))
    assert lease is not None
    return run, lease


def land(store: Store, run: Run, node: str, count: int | None = None, at: datetime | None = None) -> None:
    """A node of a run came to its end, or `count` elements of it, each having read the flights for half a second."""
    ended = at or now()
    places = [calls.WHOLE] if count is None else range(count)
    made = [
        executions.NewExecution(
            key=declared.digest(f"{run.id}{node}{place}"), kind="step", subject=f"{run.pipeline}/{node}",
            started_at=ended - timedelta(milliseconds=500 + place % 50), ended_at=ended, cpu_s=0.1, wall_s=0.5,
            peak_bytes=1 << 20, bundle=None,
            parameters={"arguments": {"rows": {"content": f"dataset:{declared.digest('flights')}", "from": ""}}},
        )
        for place in places
    ]  # fmt: skip
    with store.write() as tx:
        ids = executions.record(tx, made)
        edges.add(tx, [
            edges.Edge(execution_id=id, direction=edges.IN, kind="dataset", reference="flights@3") for id in ids
        ])  # fmt: skip
        calls.add(tx, [
            calls.NewCall(run_id=run.id, node=node, element=place, state=calls.EXECUTED, at=ended, execution_id=id)
            for place, id in zip(places, ids, strict=True)
        ])  # fmt: skip


def at_work(store: Store, run: Run, lease: Lease, node: str, *lines: str, elements: Sequence[int] = (-1,)) -> None:
    """Calls of a node are at work for three seconds, and no others of the run; each wrote these lines so far."""
    tail = "".join(f"{line}\n" for line in lines).encode()
    began = now() - timedelta(seconds=3)
    with store.write() as tx:
        underway.say(tx, run.id, [
            underway.Underway(run_id=run.id, node=node, element=each, token=lease.token, started_at=began,
                              written=len(tail), tail=tail) for each in elements
        ])  # fmt: skip


def arrive(store: Store, run: Run, lease: Lease) -> None:
    """A run that is at work succeeded."""
    with store.write() as tx:
        runs.end(tx, [runs.NewEnding(run_id=run.id, at=now(), outcome=runs.SUCCEEDED, actor="ann")])
    leases.release(store, [lease])
