"""The table of an experiment's runs."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from argosy.console import experiment
from argosy.console.experiment import Asked, ExperimentPage
from argosy.console.page import to_html
from argosy.errors import UnknownError, UsageError
from argosy.store import Store
from argosy.store.tracking import experiments, metrics, runs
from argosy.store.tracking.metrics import Point
from tests.console import tracks

TUMOURS = 1


def read(store: Store, **asked: str) -> ExperimentPage:
    with store.read() as conn:
        return experiment.read(conn, TUMOURS, Asked(**asked), tracks.NOW)


def test_without_a_choice_columns_are_metrics_and_what_runs_differ_in(tracked_store: Store) -> None:
    found = read(tracked_store)
    assert [head.name for head in found.heads] == [
        "metrics.best_round", "metrics.training_auc", "metrics.training_loss", "metrics.validation_auc",
        "metrics.validation_loss", "params.learning_rate", "params.min_child_samples", "params.num_leaves",
    ]  # fmt: skip
    assert (found.count, found.deleted, len(found.runs)) == (21, 1, 21)
    assert found.runs[0].name == "under way" and found.runs[0].took == 240 and found.runs[0].values[0] is None
    assert found.runs[2].nested and not found.runs[-1].nested


def test_columns_filter_and_sort_are_those_of_the_url(tracked_store: Store) -> None:
    asked = {"columns": "params.num_leaves,metrics.validation_auc", "sort": "-metrics.validation_auc"}
    found = read(tracked_store, where="metrics.validation_auc > 0.99 and params.learning_rate = 0.3", **asked)
    scores = [run.values[1] for run in found.runs]
    assert len(scores) == 6 and scores == sorted(scores, reverse=True)  # type: ignore[type-var]
    assert {run.values[0] for run in found.runs} == {"3", "7", "15"}
    leaves, score = found.heads
    assert score.sorted == "descending" and "sort=metrics.validation_auc" in score.sort and not leaves.sorted
    assert "columns=params.num_leaves&" in f"{score.drop}&" and "where=metrics" in leaves.sort


def test_columns_to_add_are_searched(tracked_store: Store) -> None:
    found = read(tracked_store, keys="AUC", columns="metrics.training_auc")
    assert [each.label for each in found.offers["metrics"]] == ["validation_auc"]
    assert "columns=metrics.training_auc%2Cmetrics.validation_auc" in found.offers["metrics"][0].link
    assert found.offers["parameters"] == ()


def test_the_trash_and_the_states(tracked_store: Store) -> None:
    assert [run.name for run in read(tracked_store, view="deleted").runs] == ["lost"]
    failed = next(chip for chip in read(tracked_store).chips if chip.words == "failed")
    assert failed.link == "/experiments/1?where=status+%3D+FAILED"
    found = read(tracked_store, where="status = FAILED")
    assert [run.status for run in found.runs] == ["failed"]
    assert next(chip.link for chip in found.chips if chip.on) == "/experiments/1"


def test_what_cannot_be_read_is_refused(tracked_store: Store) -> None:
    for asked in ({"where": "colour = red"}, {"sort": "colour"}, {"columns": "colour"}, {"cursor": "x"}):
        with pytest.raises(UsageError):
            read(tracked_store, **asked)
    with tracked_store.read() as conn, pytest.raises(UnknownError):
        experiment.page(conn, 99, Asked(), tracks.NOW)


def test_text_of_clients_is_never_markup(tracked_store: Store) -> None:
    with tracked_store.read() as conn:
        html = to_html(experiment.page(conn, TUMOURS, Asked(where="status = FAILED"), tracks.NOW))
    assert html.count("<script") == 1 and "&lt;script&gt;" in html


def test_thousands_of_keys_and_pages_of_runs(store: Store) -> None:
    with store.write() as tx:
        experiments.ensure_default(tx)
        for number in range(experiment.SIZE + 2):
            run = runs.create(tx, 0, f"r{number}", tracks.NOW + timedelta(seconds=number), tracks.HAND)
            keys = range(12_000 if number > experiment.SIZE else 3)
            metrics.log(tx, run.id, 0, [Point(f"layer.{key:05d}.norm", float(key), 0, 0) for key in keys])
    with store.read() as conn:
        began = time.process_time()
        first = experiment.page(conn, 0, Asked(), tracks.NOW)
        html = to_html(first)
        took = time.process_time() - began
        second = experiment.read(conn, 0, Asked(cursor=first.data.next), tracks.NOW)
        (found,) = experiment.read(conn, 0, Asked(keys="11999"), tracks.NOW).offers["metrics"]
    names = [run.name for run in (*first.data.runs, *second.runs)]
    assert names == [f"r{number}" for number in reversed(range(experiment.SIZE + 2))] and second.next is None
    assert len(html) < 100_000 and took < 2 and found.label == "layer.11999.norm"
