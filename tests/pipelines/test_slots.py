from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from argosy.pipelines.slots import PREFIX, TTL, Slots
from argosy.spec.step import Limit
from argosy.store import Store, leases
from argosy.testing.sample import moment

TWO = Limit("two", 2)


def test_a_slot_goes_from_work_to_work_and_back_once_nobody_wants_it(home: Path) -> None:
    with Store.open(home) as store:
        slots, others = Slots(store, "here", moment), Slots(store, "there", moment)
        assert slots.take(TWO, ["a", "b", "c"]) == 2
        for ended, next in (("a", "c"), ("b", "d"), ("c", "e")):
            slots.give_back(TWO, ended)
            assert slots.take(TWO, [next]) == 1
            slots.settle()
        assert others.take(TWO, ["x"]) == 0
        with store.read() as conn:
            assert [lease.token for lease in leases.live(conn, moment(), PREFIX)] == [1, 1]
        slots.give_back(TWO, "d")
        slots.settle()
        assert Slots(store, "elsewhere", moment).take(TWO, ["x", "y"]) == 1


def test_others_have_their_turn(home: Path) -> None:
    """Whoever holds a slot lets it go every few seconds, though more of its works wait; and looks for it again."""
    now = moment()
    with Store.open(home) as store:
        slots, others = Slots(store, "here", lambda: now), Slots(store, "there", lambda: now)
        one = Limit("one", 1)
        assert slots.take(one, ["0"]) == 1
        for place in range(40):
            now += TTL / 100
            slots.give_back(one, str(place))
            if not slots.take(one, [str(place + 1)]):
                break
            slots.settle()
        slots.settle()
        assert others.take(one, ["x"]) == 1
        others.give_back(one, "x")
        others.settle()
        assert slots.take(one, [str(place + 1)]) == 0
        now += timedelta(seconds=1)
        assert slots.take(one, [str(place + 1)]) == 1
