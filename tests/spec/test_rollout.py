"""Rollouts: what each may be declared as, and in which form it is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec.rollout import Gradual, Rollout, kind, under_way

HOUR = timedelta(hours=1)


def test_the_first_of_the_steps_is_the_share_and_one_step_is_none() -> None:
    steps = ag.Canary(steps=[0.05, 0.2, 0.5], bake="120m")
    assert (steps.share, steps.steps, steps.bake) == (0.05, (0.05, 0.2, 0.5), "2h")
    assert ag.Canary(steps=[0.3]) == ag.Canary(share=0.3)
    again = msgspec.json.decode(msgspec.json.encode(steps), type=Rollout)
    assert again == steps


@pytest.mark.parametrize(
    ("share", "then"), [(0.01, 0.05), (0.05, 0.2), (0.1, 0.2), (0.2, 0.5), (0.5, None), (0.9, None)]
)
def test_the_step_after_a_share_is_the_next_larger_one(share: float, then: float | None) -> None:
    assert ag.Canary(steps=[0.05, 0.2, 0.5]).after(share) == then
    assert ag.Canary().after(share) is None


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ag.Canary(steps=[0.5, 0.2]), "Canary.steps is [0.5, 0.2]; it must be shares that grow"),
        (lambda: ag.Canary(steps=[0.2, 0.2]), "Canary.steps is [0.2, 0.2]; it must be shares that grow"),
        (lambda: ag.Canary(steps=[0.1, 1.0]), "Canary.steps is 1.0; it must be a number between 0.001 and 0.999"),
        (lambda: ag.Canary(steps=[0.1, 0.3], share=0.2001), "Canary.share is 0.2001; it must be left out"),
        (lambda: ag.Shadow(share=0), "Shadow.share is 0.0; it must be a number between 0.001 and 1"),
        (lambda: ag.Shadow(difference=-1.0), "Shadow.difference is -1.0; it must be a number"),
        (
            lambda: ag.ABTest(metric="roc_auc"),
            "ABTest.metric is 'roc_auc'; it must be one of accuracy, brier, log_loss",
        ),
        (lambda: ag.ABTest(alpha=0.6), "ABTest.alpha is 0.6; it must be a number"),
        (lambda: ag.ABTest(by="a\n"), "ABTest.by is 'a\\n'; it must be a column name"),
        (lambda: ag.ABTest(longest="soon"), "ABTest.longest is 'soon'; it must be a duration"),
    ],
)
def test_what_makes_no_rollout_is_refused(make: Callable[[], object], says: str) -> None:
    with pytest.raises(DeclarationError) as error:
        make()
    assert str(error.value).startswith(says)


@pytest.mark.parametrize(
    ("metric", "searched", "task", "loss"),
    [
        ("brier", "roc_auc", "binary", "brier"), (None, "log_loss", "binary", "log_loss"),
        (None, "roc_auc", "binary", "log_loss"), (None, "mae", "regression", "mae"),
        (None, "r2", "regression", "rmse"),
    ],
)  # fmt: skip
def test_an_ab_test_decides_by_a_loss_of_its_task(metric: str | None, searched: str, task: str, loss: str) -> None:
    assert ag.ABTest(metric=metric).loss(searched, task) == loss


@pytest.mark.parametrize(
    ("rollout", "name", "ends"),
    [
        (ag.Canary(bake="1h", patience="3h"), "canary", (HOUR, 4 * HOUR)),
        (ag.Shadow(bake="2h", patience="1h"), "shadow", (2 * HOUR, 3 * HOUR)),
        (ag.ABTest(longest="5h"), "ab_test", (5 * HOUR,)),
    ],
)
def test_a_rollout_under_way_goes_on_as_it_was_started(
    rollout: Gradual, name: str, ends: tuple[timedelta, ...]
) -> None:
    assert kind(rollout) == name and rollout.deadlines == ends
    assert under_way(rollout, name) is rollout
    others: list[Gradual] = [each for each in (ag.Canary(), ag.Shadow(), ag.ABTest()) if kind(each) != name]
    for other in others:
        assert under_way(rollout, kind(other)) == other
    assert kind(under_way(ag.Immediate(), name)) == name
