"""Experiments are found by their ids, whatever is written in place of one."""

from __future__ import annotations

import pytest

from argosy.errors import UsageError
from argosy.store import Store
from argosy.store.tracking import clause, experiments, gallery
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.grammar import EXPERIMENTS


def test_an_experiment_is_found_by_its_id(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        one = experiments.create(tx, "one", hand)
        asked = {f"experiment_id = '{one}'": [one], "experiment_id IN ('0', '99')": [0], "experiment_id != '0'": [one]}
        for text, ids in asked.items():
            assert [each.id for each in gallery.page(tx, clause.parse(text, EXPERIMENTS)).items] == ids


@pytest.mark.parametrize("id", ["x", "1.5", "", "٣", "9" * 19, "9" * 5000])
def test_what_is_no_id_is_refused(store: Store, id: str) -> None:
    with store.read() as conn, pytest.raises(UsageError, match="no whole number of 64 bits"):
        gallery.page(conn, clause.parse(f"experiment_id IN ('{id}')", EXPERIMENTS))
