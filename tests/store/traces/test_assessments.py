"""Assessments: added, overridden, changed and removed."""

from __future__ import annotations

import pytest

from argosy.errors import InputError, UnknownError
from argosy.store import Store
from argosy.store.traces import assessments, record
from argosy.store.traces.assessments import Assessment
from argosy.store.traces.record import SUCCEEDED, Trace
from argosy.store.tracking import changes
from argosy.store.tracking.changes import TRACE, Hand

GIVEN = Assessment("", "feedback", "good", "true", True, None, {"rationale": "ü"})


@pytest.fixture
def traced(store: Store, hand: Hand) -> tuple[Store, int]:
    with store.write() as tx:
        return store, record.put(tx, Trace("tr-1", 0, "ask", 1, 1, SUCCEEDED), {}, hand).id


def test_one_that_overrides_another_is_valid_in_its_place_until_it_is_removed(
    traced: tuple[Store, int], hand: Hand
) -> None:
    store, id = traced
    with store.write() as tx:
        first = assessments.add(tx, "tr-1", GIVEN, hand)
        second = assessments.add(tx, "tr-1", GIVEN._replace(value="false", overrides=first.assessment), hand)
        assert assessments.of(tx, [id, 99]) == {id: [first._replace(valid=False), second]}
        assessments.delete(tx, "tr-1", second.assessment, hand)
        assessments.delete(tx, "tr-1", second.assessment, hand)
        assert assessments.of(tx, [id]) == {id: [first]}
        with pytest.raises(UnknownError, match="not found for trace 'tr-1'"):
            assessments.get(tx, "tr-1", second.assessment)
        past = [(each.field, each.before, each.after) for each in changes.of(tx, TRACE, "tr-1")]
    assert past == [("feedback:good", "false", None)]


def test_what_was_overridden_may_go_first(traced: tuple[Store, int], hand: Hand) -> None:
    store, id = traced
    with store.write() as tx:
        first = assessments.add(tx, "tr-1", GIVEN, hand)
        second = assessments.add(tx, "tr-1", GIVEN._replace(overrides=first.assessment), hand)
        assessments.delete(tx, "tr-1", first.assessment, hand)
        assert assessments.of(tx, [id]) == {id: [second._replace(overrides=None)]}


def test_one_changes_but_stays_of_its_kind(traced: tuple[Store, int], hand: Hand) -> None:
    store, _ = traced
    with store.write() as tx:
        made = assessments.add(tx, "tr-1", GIVEN, hand)
        new = made._replace(name="fine", value="5", body={})
        assessments.change(tx, "tr-1", new, hand)
        assert assessments.get(tx, "tr-1", made.assessment) == new
        with pytest.raises(InputError, match="is feedback, not expectation"):
            assessments.change(tx, "tr-1", made._replace(kind="expectation"), hand)
        past = [(each.field, each.before, each.after) for each in changes.of(tx, TRACE, "tr-1")]
    assert past == [("feedback:fine", "true", "5")]


def test_what_is_not_there_cannot_be_assessed_or_overridden(traced: tuple[Store, int], hand: Hand) -> None:
    store, _ = traced
    with store.write() as tx:
        with pytest.raises(UnknownError, match="Trace with ID 'tr-9'"):
            assessments.add(tx, "tr-9", GIVEN, hand)
        with pytest.raises(UnknownError, match="Assessment with ID 'a-0'"):
            assessments.add(tx, "tr-1", GIVEN._replace(overrides="a-0"), hand)
