"""Triggers: what they are made of, what they match, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sklearn.linear_model import LogisticRegression

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec import trigger
from argosy.spec.trigger import After, Event, NewVersion, Trigger, after, event, new_version

FLIGHTS = ag.Dataset("flights", time="t", source=ag.Parquet("x.parquet"))
LATE = ag.Fleet("late", spine="flights", label="late", features=["distance"], candidates=[LogisticRegression()])


@pytest.mark.parametrize(
    ("made", "expected", "said"),
    [
        (new_version("flights"), NewVersion("flights"), "a new version of dataset flights"),
        (new_version(FLIGHTS), NewVersion("flights"), "a new version of dataset flights"),
        (event("promoted"), Event("promoted"), "event promoted"),
        (event("promoted", LATE), Event("promoted", "late"), "event promoted of late"),
        (event("alert.raised", "late/"), Event("alert.raised", "late"), "event alert.raised of late"),
        (event("trained", "late/JFK/AA"), Event("trained", "late/JFK/AA"), "event trained of late/JFK/AA"),
        (after("nightly"), After("nightly"), "after pipeline nightly"),
    ],
)
def test_made_from_names_and_declarations(made: Trigger, expected: Trigger, said: str) -> None:
    assert (made, str(made)) == (expected, said)
    assert msgspec.json.decode(msgspec.json.encode(made), type=NewVersion | Event | After) == made


@pytest.mark.parametrize(
    ("wanted", "kind", "subject", "matches"),
    [
        (event("promoted"), "promoted", "late/JFK", True),
        (event("promoted"), "rolled_back", "late/JFK", False),
        (event("promoted", "late"), "promoted", "late", True),
        (event("promoted", "late"), "promoted", "late/JFK/AA", True),
        (event("promoted", "late"), "promoted", "later/JFK", False),
        (event("promoted", "late/JFK"), "promoted", "late", False),
        (event("promoted", "late"), "trained", "late", False),
    ],
)
def test_an_event_is_about_a_subject_or_what_is_below(wanted: Event, kind: str, subject: str, matches: bool) -> None:
    assert wanted.matches(kind, subject) is matches


def test_one_or_several_in_any_order() -> None:
    one, other = new_version("flights"), after("nightly")
    assert trigger.of(one) == trigger.of([one]) == (one,)
    assert trigger.of([one, other]) == trigger.of((other, one))
    assert trigger.of([]) == trigger.of(()) == ()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: new_version("Flights"), "new_version.dataset is 'Flights'; it must be a lower-case name"),
        (lambda: new_version(5), "new_version.dataset is 5; it must be a lower-case name"),  # type: ignore[arg-type]
        (lambda: after(None), "after.pipeline is None; it must be"),  # type: ignore[arg-type]
        (lambda: event("drift ed"), "event.kind is 'drift ed'; it must be a lower-case name"),
        (lambda: event("promoted", ""), "event.subject is ''; it must be the name of a dataset or fleet"),
        (lambda: event("promoted", "a" * 257), "event.subject is 'aaa"),
        (lambda: event("promoted", "late\n"), r"event.subject is 'late\\n'"),
        (lambda: event("promoted", 5), "Event.subject is 5; it must be str"),  # type: ignore[arg-type]
        (lambda: trigger.of("flights", "nightly.on"), "nightly.on is 'flights'; it must be a trigger, such as ag.new"),
        (lambda: trigger.of([None]), "on is None; it must be a trigger"),
        (lambda: trigger.of([after("a"), after("a")]), "on is 'after pipeline a'; it must be named once"),
    ],
)
def test_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message) as caught:
        make()
    assert caught.value.next
