"""Actions: what they are about, and how they read."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from argosy.controller.action import (
    Action,
    Finish,
    Gate,
    Group,
    Ingest,
    Materialise,
    Record,
    Train,
    Wait,
    Watch,
    headline,
)

MANY = tuple(f"m{number}" for number in range(5))
ACTIONS: list[tuple[Action, str, str]] = [
    (Ingest("flights", "2 new"), "dataset:flights", "ingest flights"),
    (Materialise("conditions", 3, "w"), "view:conditions", "materialise conditions up to version 3 of its dataset"),
    (Record("late", "w"), "predictions:late", "record predictions of late"),
    (Watch("late", "w"), "watch:late", "watch late"),
    (Train("late", (Group("c", ("a", "b")),), True, "c", 1), "fleet:late", "train the pooled model and a, b of late"),
    (Train("late", (), True, "c", 1), "fleet:late", "train the pooled model of late"),
    (
        Train("late", (Group("c", MANY[:2]), Group("d", MANY[2:])), False, "c", 1),
        "fleet:late",
        "train 5 members (m0, m1, m2, …) of late",
    ),
    (Gate("late", (1, 2), "w"), "fleet:late", "ask the gates about 2 new versions of late"),
    (Finish("late", (1,), (2, 3), "w"), "fleet:late", "end rollouts of late: promote 1, roll back 2"),
    (
        Finish("late", (), (2,), "w", ((1, 0.5), (3, 0.5))),
        "fleet:late",
        "end rollouts of late: promote 0, roll back 1, widen 2",
    ),
    (Wait("approval of late", ("a",), "w"), "approval of late", "wait: approval of late"),
    (Wait("retry", ("a",), "w", datetime(2013, 1, 1, tzinfo=UTC)), "retry", "wait: retry"),
]


@pytest.mark.parametrize(("action", "subject", "line"), ACTIONS)
def test_reading(action: Action, subject: str, line: str) -> None:
    assert (action.subject, headline(action)) == (subject, line)


@pytest.mark.parametrize("action", [action for action, _, _ in ACTIONS])
def test_actions_are_data(action: Action) -> None:
    assert msgspec.json.decode(msgspec.json.encode(action), type=Action) == action


def test_members_of_all_groups() -> None:
    assert Train("late", (Group("c", MANY[:2]), Group("d", MANY[2:])), True, "c", 1).members == MANY
