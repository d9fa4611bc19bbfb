"""Works are entered all or none, closed once, and come back after pauses that grow and differ."""

from __future__ import annotations

import time
from itertools import pairwise
from random import Random

import pytest

from argosy.engine.backlog import Backlog
from argosy.engine.contract import Failure, Work
from argosy.engine.ledger import Ledger
from argosy.errors import InputError

_FAILURE = Failure("exception", "no")


def pauses(seed: int, retries: int, backoff: float = 0.1) -> list[float]:
    """Seconds before each further attempt of a work that always fails."""
    backlog = Backlog(workers=1, chunk_seconds=1.0)
    ledger = Ledger(backlog, backoff, Random(seed))
    ledger.enter([Work("a", "m:f", retries=retries)])
    found = []
    while chunk := backlog.take(time.monotonic() + 100.0):
        began = time.monotonic()
        ledger.charge(chunk.jobs[0], _FAILURE)
        if backlog.due is not None:
            found.append(backlog.due - began)
    (result,) = ledger.results()
    assert result.failure == _FAILURE
    return found


def test_pauses_grow_to_a_minute() -> None:
    found = pauses(1, retries=1_100)
    assert len(found) == 1_100
    assert 0.05 <= found[0] < 0.11 and max(found) < 60.1
    assert all(one < other * 2.01 for one, other in pairwise(found[:9]))
    assert min(found[10:]) >= 30.0


def test_pauses_differ_by_chance_that_can_be_repeated() -> None:
    first, again, other = (pauses(seed, retries=5) for seed in (1, 1, 2))
    assert first == pytest.approx(again, abs=0.01)
    assert first != pytest.approx(other, abs=0.01)


def test_all_or_none_is_entered() -> None:
    backlog = Backlog(workers=1, chunk_seconds=1.0)
    ledger = Ledger(backlog, 0.1, Random(1))
    with pytest.raises(InputError, match="timeout is 0"):
        ledger.enter([Work("a", "m:f"), Work("b", "m:f", timeout=0)])
    assert len(ledger) == 0 and backlog.take(0.0) is None
