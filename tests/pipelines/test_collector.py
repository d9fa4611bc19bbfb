"""The relaxed collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from argosy.pipelines import collector


@pytest.fixture
def usual() -> Iterator[tuple[int, int, int]]:
    """How often this process searches, as Python begins."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield gc.get_threshold()
    gc.set_threshold(*before)


def test_the_collector_is_as_it_was_whatever_ends_a_run(usual: tuple[int, int, int]) -> None:
    with collector.relaxed():
        assert gc.get_threshold()[0] > usual[0] and gc.isenabled()
    with pytest.raises(KeyboardInterrupt), collector.relaxed():
        raise KeyboardInterrupt
    assert gc.get_threshold() == usual and not gc.get_freeze_count()
