"""What came of a training that was asked for, as a plain value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.controller import training
from argosy.controller.act.train import Trained
from argosy.errors import ArgosyError
from argosy.store.store import Store


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as made:
        yield made


def test_members_that_fail_are_counted_as_long_as_not_all_do(store: Store) -> None:
    found = training.tell(store, "late", Trained("", {"a": "no"}, {}, unchanged=1))
    assert found == {"trained": 0, "unchanged": 1, "failed": 1, "fallbacks": 0, "versions": {}}
    with pytest.raises(ArgosyError, match="all 2 members of late failed; late/a: no rows"):
        training.tell(store, "late", Trained("", {"b": "other", "a": "no rows"}))


def test_what_waits_for_data_is_not_trained(store: Store) -> None:
    with pytest.raises(ArgosyError, match="orders has no rows yet"):
        training.tell(store, "late", Trained("orders has no rows yet", empty=True))
