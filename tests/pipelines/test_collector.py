"""The relaxed collector."""

from __future__ import annotations

import gc

import pytest

from argosy.pipelines import collector


def test_the_collector_is_as_it_was_whatever_ends_a_run() -> None:
    usual = gc.get_threshold()
    with collector.relaxed():
        assert gc.get_threshold()[0] > usual[0] and gc.isenabled()
    with pytest.raises(KeyboardInterrupt), collector.relaxed():
        raise KeyboardInterrupt
    assert gc.get_threshold() == usual and not gc.get_freeze_count()
