"""Latency of a canary: against a limit, against the champion's, and not by chance."""

from __future__ import annotations

import numpy as np
import pytest

from argosy.monitoring.latency import slow

NONE = np.empty(0)
FAST = np.random.default_rng(3).exponential(300.0, 2_000)


def ask(ours: np.ndarray, limit_ms: float | None = None, slower: float | None = None, theirs: np.ndarray = FAST) -> str:
    return slow(ours, theirs, limit_ms=limit_ms, slower=slower, minimum=50)


def test_more_slow_requests_than_one_in_a_hundred_are_too_slow() -> None:
    ours = np.concatenate([FAST[:900], np.full(100, 9_000.0)])
    assert ask(ours, limit_ms=5) == "its latency is 9 ms (p99 of 1000 requests), the limit is 5 ms"
    assert ask(ours, limit_ms=10) == "" and ask(FAST, limit_ms=5) == ""
    assert ask(ours) == ""


def test_the_champion_is_a_limit_too() -> None:
    base = np.quantile(FAST, 0.99) / 1_000
    said = ask(FAST * 3, slower=2.0)
    assert said.endswith(f"the limit is 2 times the champion's {base:.3g} ms")
    assert ask(FAST * 1.5, slower=2.0) == "" and ask(FAST * 3, slower=4.0) == ""
    assert ask(FAST * 3, slower=2.0, theirs=FAST[:49]) == ""


def test_a_few_slow_requests_are_chance() -> None:
    ours = np.concatenate([FAST[:98], np.full(2, 9_000.0)])
    assert ask(ours, limit_ms=5) == ""
    assert ask(np.full(49, 9_000.0), limit_ms=5) == "" and ask(np.full(50, 9_000.0), limit_ms=5) != ""


@pytest.mark.parametrize("rows", [100, 1_000])
def test_of_canaries_whose_p99_is_the_limit_few_are_rolled_back(rows: int) -> None:
    rng = np.random.default_rng(9)
    wrong = sum(slow(rng.random(rows), NONE, limit_ms=0.99e-3, slower=None, minimum=50) != "" for _ in range(1_000))
    assert wrong <= 20
