"""Aliases of registered models: where they point, and where they pointed at any moment before."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.store import Store
from argosy.store.models import aliases, registered
from argosy.store.models.registered import Registered
from argosy.store.tracking import changes
from argosy.store.tracking.changes import MODEL, Hand

DAY = timedelta(days=1)


def _model(store: Store, hand: Hand, name: str = "m") -> Registered:
    with store.write() as tx:
        return registered.create(tx, name, hand)


def test_aliases_point_at_versions_of_their_own_model(store: Store, hand: Hand) -> None:
    one, two = _model(store, hand, "one"), _model(store, hand, "two")
    with store.write() as tx:
        aliases.put(tx, one, "champion", 1, hand)
        aliases.put(tx, two, "champion", 5, hand)
        aliases.put(tx, one, "tried", 2, hand)
        aliases.put(tx, one, "champion", 2, hand)
        aliases.remove(tx, two, "champion", hand)
        aliases.remove(tx, two, "champion", hand)
    with store.read() as conn:
        assert aliases.of(conn, [one.id, two.id]) == {one.id: {"champion": 2, "tried": 2}}
        assert (aliases.find(conn, one, "champion"), aliases.find(conn, two, "champion")) == (2, None)


def test_a_move_is_told_once_with_its_reason(store: Store, hand: Hand) -> None:
    model = _model(store, hand)
    with store.write() as tx:
        aliases.put(tx, model, "champion", 1, hand)
        aliases.put(tx, model, "champion", 3, hand._replace(actor="bob"), "better by a tenth")
        aliases.put(tx, model, "champion", 3, hand)
        past = changes.of(tx, MODEL, model.entity)
    assert [(each.actor, each.field, each.before, each.after, each.reason) for each in past] == [
        ("bob", "alias:champion", "1", "3", "better by a tenth"), ("ann", "alias:champion", None, "1", ""),
    ]  # fmt: skip


def test_what_was_champion_on_a_day_is_a_query(store: Store, hand: Hand) -> None:
    model, other = _model(store, hand), _model(store, hand, "other")

    def on(day: int, number: int | None) -> None:
        then = hand._replace(at=hand.at + day * DAY)
        if number is None:
            aliases.remove(tx, model, "champion", then)
        else:
            aliases.put(tx, model, "champion", number, then)

    with store.write() as tx:
        for day, number in {1: 1, 3: 7, 5: None, 8: 2}.items():
            on(day, number)
        aliases.put(tx, model, "challenger", 9, hand)
        aliases.put(tx, other, "champion", 8, hand)
    with store.read() as conn:
        days = [aliases.at(conn, model, "champion", hand.at + day * DAY) for day in range(10)]
        assert aliases.at(conn, model, "none", hand.at + 9 * DAY) is None
    assert days == [None, 1, 1, 7, 7, None, None, None, 2, 2]


def test_every_moment_is_told_as_it_was(store: Store, hand: Hand) -> None:
    @settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.tuples(st.integers(0, 20), st.none() | st.integers(1, 3)), max_size=8))
    def same(moves: list[tuple[int, int | None]]) -> None:
        with store.write() as tx:
            for name in ("change", "registered_alias", "registered"):
                tx.exec_driver_sql(f"DELETE FROM {name}")
            model = registered.create(tx, "m", hand)
            known: list[tuple[datetime, int | None]] = []
            for minute, number in sorted(moves, key=lambda move: move[0]):
                then = hand._replace(at=hand.at + timedelta(minutes=minute))
                if number is None:
                    aliases.remove(tx, model, "a", then)
                else:
                    aliases.put(tx, model, "a", number, then)
                known.append((then.at, number))
            for minute in range(21):
                moment = hand.at + timedelta(minutes=minute)
                before = [number for at, number in known if at <= moment]
                assert aliases.at(tx, model, "a", moment) == (before[-1] if before else None)

    same()
