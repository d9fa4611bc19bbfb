"""What people call runs by."""

from __future__ import annotations

import pytest

from argosy.errors import UnknownError, UsageError
from argosy.store import Store
from argosy.store.rows import execute
from argosy.store.tracking import identity, naming, runs
from argosy.store.tracking.changes import Hand

ONE, TWO, THREE = "0123456789ab4000a000000000000000", "0123456789ab4000a000000000000001", "f" * 32
OWN, PIPELINE = naming.of_execution(12), naming.of_pipeline(12)
MISTAKEN = "e3935639a4784000a000000000000000"
"""It begins as the short form of an execution does."""


@pytest.fixture
def named(store: Store, hand: Hand) -> Store:
    """A store with runs of these names, the last of them deleted."""
    with store.write() as tx:
        for name in (ONE, TWO, THREE, OWN, PIPELINE, MISTAKEN):
            made = runs.create(tx, 0, "x", hand.at, hand)
            execute(tx, "UPDATE tracked SET run = ? WHERE id = ?", (name, made.id))
        runs.delete(tx, PIPELINE, hand)
    return store


def test_a_run_is_called_by_as_few_digits_as_make_it_that_run(named: Store) -> None:
    with named.read() as conn:
        short = identity.shorts(conn, [ONE, TWO, THREE, OWN, PIPELINE])
        assert short == {ONE: ONE, TWO: TWO, THREE: "ffffffff", OWN: "e12", PIPELINE: "a12"}
        found = identity.find(conn, [*short.values(), THREE.upper()[:20]])
        assert [each.run for each in found] == [*short, THREE]
        assert identity.find(conn, []) == []


def test_digits_that_may_be_a_number_begin_a_name_where_no_run_has_that_number(named: Store, hand: Hand) -> None:
    with named.write() as tx:
        assert identity.shorts(tx, [MISTAKEN]) == {MISTAKEN: MISTAKEN[:9]}
        for text in (MISTAKEN[:8], MISTAKEN[:9]):
            assert [each.run for each in identity.find(tx, [text])] == [MISTAKEN]
        made = runs.create(tx, 0, "x", hand.at, hand)
        numbered = naming.of_execution(int(MISTAKEN[1:8]))
        execute(tx, "UPDATE tracked SET run = ? WHERE id = ?", (numbered, made.id))
        assert [each.run for each in identity.find(tx, [MISTAKEN[:8], MISTAKEN[:9]])] == [numbered, MISTAKEN]


def test_what_is_no_runs_name_is_refused(named: Store) -> None:
    with named.read() as conn:
        with pytest.raises(UsageError, match=f"several runs: {ONE}, {TWO}"):
            identity.find(conn, ["01234567"])
        with pytest.raises(UnknownError, match="there is no run 'e13'"):
            identity.find(conn, ["e12", "e13"])
        for text in ("0123456", "flights", "e012", "0" * 33, "x" * 9):
            with pytest.raises(UsageError, match="is no name of a run"):
                identity.find(conn, [text])
            assert not identity.is_one(text)
    assert identity.is_one("e12") and identity.is_one(THREE)
