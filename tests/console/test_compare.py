"""Runs side by side."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from argosy.console import compare
from argosy.console.compare import Asked, ComparePage
from argosy.console.page import to_html
from argosy.controller import bundle, comparison
from argosy.errors import UnknownError, UsageError
from argosy.store import Store, bundles
from argosy.store.rows import execute
from argosy.store.tracking import experiments, identity, metrics, runs, texts
from argosy.store.tracking.metrics import Point
from tests.console import tracks


def names(store: Store, like: str = "leaves%") -> tuple[str, ...]:
    with store.read() as conn:
        return tuple(run for (run,) in execute(conn, "SELECT run FROM tracked WHERE name LIKE ? ORDER BY id", (like,)))


def read(store: Store, runs: tuple[str, ...], **asked: object) -> ComparePage:
    with store.read() as conn:
        return compare.read(conn, store, Asked(runs=runs, **asked), tracks.NOW)  # type: ignore[arg-type]


def test_runs_stand_side_by_side_in_the_order_of_the_url(tracked_store: Store) -> None:
    chosen = names(tracked_store)[4:0:-1]
    found = read(tracked_store, chosen)
    assert tuple(each.run for each in found.runs) == chosen
    parameters = {each.name: each for each in found.parameters.rows}
    assert parameters["num_leaves"].values == ("3",) * 4 and not parameters["num_leaves"].differs
    assert parameters["learning_rate"].values == ("0.3", "0.1", "0.1", "0.03") or parameters["learning_rate"].differs
    about = {each.name: each for each in found.about}
    assert about["data"].values[0] == "breast_cancer@5c8a91fe" and about["commit"].differs
    assert [each.key for each in found.curves] == ["training_auc", "training_loss"]
    assert [each.name for each in found.runs] == [f"leaves 3 {run[:6]}" for run in chosen]
    assert chosen[0] not in found.runs[0].without and chosen[1] in found.runs[0].without


def test_the_command_names_runs_so_that_they_are_found(store: Store) -> None:
    names = tuple(f"e{number:031x}" for number in (4, 5))
    with store.write() as tx:
        experiment = experiments.create(tx, "late", tracks.HAND)
        for name in names:
            made = runs.create(tx, experiment, "member", tracks.NOW, tracks.HAND)
            execute(tx, "UPDATE tracked SET run = ? WHERE id = ?", (name, made.id))
    with store.read() as conn:
        page = compare.page(conn, store, Asked(runs=names), tracks.NOW)
        _, _, *short = page.command.split()
        assert tuple(run.run for run in identity.find(conn, short)) == names


def test_only_what_differs(tracked_store: Store) -> None:
    found = read(tracked_store, names(tracked_store)[:4], only=True)
    assert {each.name for each in found.parameters.rows} == {"learning_rate", "min_child_samples"}
    assert all(each.differs for each in (*found.about, *found.metrics.rows))
    assert (
        "only=" not in found.ways["toggle"]
        and "only=differences" in read(tracked_store, names(tracked_store)[:4]).ways["toggle"]
    )


def test_what_is_plotted_is_chosen_by_the_url(tracked_store: Store) -> None:
    found = read(
        tracked_store, names(tracked_store), curve="metrics.validation_loss", smooth=0.9, x="params.num_leaves",
        y="metrics.validation_auc", axes="params.learning_rate,params.objective,metrics.validation_auc",
    )  # fmt: skip
    (curve,) = found.curves
    assert curve.key == "validation_loss" and len(curve.lines) == 17
    assert {dot.values[0] for dot in found.points} == {"3", "7", "15"}
    assert all(isinstance(dot.values[1], float) for dot in found.points)
    assert {dot.values[1] for dot in found.lines} == {"binary"}
    with tracked_store.read() as conn, pytest.raises(UsageError):
        compare.page(conn, tracked_store, Asked(runs=names(tracked_store), x="colour"), tracks.NOW)


def test_what_is_no_comparison_is_refused(tracked_store: Store) -> None:
    (one, *_) = names(tracked_store)
    for chosen in ((), (one,), (one, one), (one,) * 101):
        with pytest.raises(UsageError):
            read(tracked_store, chosen)
    with pytest.raises(UnknownError):
        read(tracked_store, (one, "ab" * 16))


def test_a_run_without_anything_is_compared(tracked_store: Store) -> None:
    chosen = (*names(tracked_store, "under way"), *names(tracked_store, "broken%"))
    with tracked_store.read() as conn:
        html = to_html(compare.page(conn, tracked_store, Asked(runs=chosen), tracks.NOW))
    assert html.count("<script") == 1 and "under way" in html


def test_code_that_differs_is_shown(store: Store, tmp_path: Path) -> None:
    names = []
    with store.write() as tx:
        experiments.ensure_default(tx)
        for number in range(2):
            place = tmp_path / str(number) / "project.py"
            place.parent.mkdir()
            place.write_text(f"import argosy\na = {number}  # <b>\n")
            made = bundle.make(place)
            store.blobs.put(made.data)
            bundles.add(tx, bundle.describe(made, tracks.NOW, "ann"))
            run = runs.create(tx, 0, f"r{number}", tracks.NOW, tracks.HAND, tags={comparison.BUNDLE: made.digest})
            names.append(run.run)
    with store.read() as conn:
        page = compare.page(conn, store, Asked(runs=tuple(names)), tracks.NOW)
    assert page.data.patches[0].lines[-2:] == ["-a = 0  # <b>", "+a = 1  # <b>"]
    assert "code of r0 and of r1" in to_html(page) and "+a = 1  # &lt;b&gt;" in to_html(page)
    assert next(each for each in page.data.about if each.name == "bundle").differs


@contextmanager
def counted(conn: Connection) -> Iterator[list[str]]:
    """The statements that the driver runs meanwhile."""
    seen: list[str] = []
    conn.connection.dbapi_connection.set_trace_callback(seen.append)  # type: ignore[union-attr]
    yield seen
    conn.connection.dbapi_connection.set_trace_callback(None)  # type: ignore[union-attr]


def test_a_hundred_runs_take_no_more_queries_than_two(store: Store) -> None:
    with store.write() as tx:
        experiments.ensure_default(tx)
        made = [runs.create(tx, 0, f"r{n}", tracks.NOW, tracks.HAND) for n in range(100)]
        for place, run in enumerate(made):
            points = [Point("loss", place / (step + 1), step, step) for step in range(400)]
            metrics.log(tx, run.id, 0, [*points, *(Point(f"m{n}", float(place), 0, 0) for n in range(200))])
            texts.put(tx, texts.PARAMETER, run.id, 0, {f"p{n}": str(place * n) for n in range(40)}, tracks.HAND)
    chosen = tuple(run.run for run in made)
    with store.read() as conn:
        with counted(conn) as few:
            compare.page(conn, store, Asked(runs=chosen[:2]), tracks.NOW)
        began = time.process_time()
        with counted(conn) as many:
            html = to_html(compare.page(conn, store, Asked(runs=chosen), tracks.NOW))
        took = time.process_time() - began
    assert len(many) == len(few) < 20
    assert took < 3 and html.count('class="line h') == 100
