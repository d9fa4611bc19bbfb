"""By hand to many members: together, once, and only to those that it changes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

import argosy as ag
from argosy.errors import ConflictError
from argosy.registry import selection
from argosy.registry.rollout import Chosen, start
from argosy.store import aliases, events, members, rollouts
from argosy.store.store import Store
from argosy.testing import sample

NOW = sample.moment(1000)


@pytest.fixture
def fleets(store: Store) -> Store:
    """Two fleets of members with two versions each, the first of which answers; of b the second, of c none newer."""
    with store.write() as tx:
        for fleet in ("late", "early"):
            sample.train(tx, fleet, ["a", "b", "c"], hours=1)
        sample.train(tx, "late", ["b"], hours=2)
        sample.train(tx, "late", ["a"], hours=2, promoted=False)
        sample.train(tx, "early", ["a"], hours=2, promoted=False)
        members.ensure(tx, "late", ["d"], NOW)
    return store


def everyone(conn: Connection) -> list[int]:
    return [id for fleet in ("late", "early") for id in members.ids(conn, fleet).values()]


def champions(store: Store) -> dict[str, int | None]:
    with store.read() as conn:
        ids = everyone(conn)
        return {f"{each.fleet}/{each.key}": each.champion_number for each in members.states(conn, ids).values()}


def test_the_newest_versions_of_many_members_rise_and_fall_together(fleets: Store) -> None:
    before = champions(fleets)
    said = selection.promote(fleets, everyone, "ann", "the outage is over", NOW)
    assert said == "2 members answered by the newest version now; 5 stay as they are"
    assert champions(fleets) == before | {"late/a": 2, "early/a": 2}
    with pytest.raises(ConflictError, match="of 7 members, each is answered by its newest version already"):
        selection.promote(fleets, everyone, "ann", "", NOW)
    said = selection.roll_back(fleets, everyone, "ann", "", NOW)
    assert said == "3 members rolled back; 4 stay as they are"
    assert champions(fleets) == before | {"late/b": 1}
    with fleets.read() as conn:
        down, up = events.of_subject(conn, "early/a", limit=2)
    assert (up.kind, up.actor, up.message) == ("promoted", "ann", "version 2 answers now: the outage is over")
    assert (down.kind, down.message) == ("rolled_back", "version 1 answers again: rolled back by ann")


def test_rollouts_under_way_are_ended_first(fleets: Store) -> None:
    with fleets.write() as tx:
        made = sample.train(tx, "late", ["a", "b"], hours=3, promoted=False)
        start(tx, "late", ag.Shadow(), [Chosen(each, True, "new") for each in made], NOW, "controller")
    before = champions(fleets)
    assert selection.roll_back(fleets, lambda conn: [each.member_id for each in made], "ann", "", NOW) == (
        "2 members rolled back"
    )
    assert champions(fleets) == before
    with fleets.read() as conn:
        assert {each.state for each in rollouts.current(conn, "late").values()} == {"rolled_back"}
        assert events.of_subject(conn, "late/a", limit=1)[0].message.startswith("the shadow was taken off traffic")


def test_nothing_is_done_where_nothing_can_be(fleets: Store) -> None:
    with pytest.raises(ConflictError, match="1 member had no other champion, and no rollout is under way"):
        selection.roll_back(fleets, lambda conn: [members.ids(conn, "late")["c"]], "ann", "", NOW)
    with pytest.raises(ConflictError):
        selection.promote(fleets, lambda conn: [members.ids(conn, "late")["d"]], "ann", "", NOW)


def test_it_costs_as_many_statements_for_many_members_as_for_one(store: Store) -> None:
    keys = [str(i) for i in range(40)]
    with store.write() as tx:
        sample.train(tx, "late", keys, hours=1)
        sample.train(tx, "late", keys, hours=2, promoted=False)
        ids = list(members.ids(tx, "late").values())
    seen: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        counts = []
        for some in (ids[:1], ids[1:]):
            selection.promote(store, lambda conn, some=some: some, "ann", "", NOW)
            counts.append(len(seen))
            selection.roll_back(store, lambda conn, some=some: some, "ann", "", NOW)
            counts.append(len(seen) - counts[-1])
            seen.clear()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert counts[:2] == counts[2:] and min(counts) > 3


def test_before_tells_where_an_alias_pointed_last_of_those_that_it_left(fleets: Store) -> None:
    with fleets.read() as conn:
        ids = members.ids(conn, "late")
        found = aliases.before(conn, ids.values(), aliases.CHAMPION)
        alone = aliases.history(conn, ids["b"], aliases.CHAMPION)
    assert list(found) == [ids["b"]] and found[ids["b"]] == alone[1]
