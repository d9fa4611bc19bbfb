"""Curves of metrics, smoothed and thinned."""

from __future__ import annotations

import pytest

from argosy.console import curve, smooth
from argosy.errors import UsageError
from argosy.store import Store
from argosy.store.tracking import experiments, metrics, runs
from argosy.store.tracking.metrics import Point
from tests.console import tracks


@pytest.fixture
def noisy(store: Store) -> tuple[int, str]:
    """A run with a curve of 5,000 steps."""
    with store.write() as tx:
        experiments.ensure_default(tx)
        run = runs.create(tx, 0, "noisy", tracks.NOW, tracks.HAND)
        points = [Point("loss", 100 / (step + 1) + step % 2, step, step) for step in range(5000)]
        metrics.log(tx, run.id, 0, points)
    return run.id, run.name


def test_a_long_curve_is_thinned_and_keeps_its_ends(store: Store, noisy: tuple[int, str]) -> None:
    with store.read() as conn:
        (found,) = curve.of(conn, [noisy], ["loss", "none"])
    (line,) = found.lines
    assert len(line.points) == 300 and line.points[0] == (0.0, 100.0) and line.points[-1][0] == 4999.0
    assert "data-chart" in found.draw()


def test_a_curve_is_smoothed_before_it_is_thinned(store: Store, noisy: tuple[int, str]) -> None:
    with store.read() as conn:
        (found,) = curve.of(conn, [noisy], ["loss"], 0.9)
        with pytest.raises(UsageError):
            curve.of(conn, [noisy], ["loss"], 1.0)
    raw, line = found.lines
    assert raw.faint and not line.faint
    whole = smooth.ema([100 / (step + 1) + step % 2 for step in range(5000)], 0.9)
    assert line.points[-1] == (4999.0, pytest.approx(whole[-1]))
    assert abs(line.points[-1][1] - line.points[-2][1]) < 0.2


def test_of_many_runs_each_has_fewer_points_and_no_shadow(tracked_store: Store) -> None:
    with tracked_store.read() as conn:
        some = runs.some(conn, range(1, 22))
        (found,) = curve.of(conn, [(id, run.name) for id, run in some.items()], ["validation_loss"], 0.5)
    assert len(found.lines) == 18 and not any(line.faint for line in found.lines)
    assert len({line.colour for line in found.lines}) == 18
