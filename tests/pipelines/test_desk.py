from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from argosy.pipelines import work
from argosy.pipelines.desk import Desk
from argosy.pipelines.element import Place
from argosy.pipelines.piece import Plain
from argosy.pipelines.slots import Slots
from argosy.store import Store
from tests.pipelines import works

COUNT = 10_000


def test_what_is_handed_out_stays_small_whatever_calls_share(home: Path) -> None:
    """A few thousand works are out at a time, and none holds the megabyte that all are given."""
    graph = works.shared.trace({"n": 1, "text": "x" * (1 << 20)})
    text = Plain("x" * (1 << 20))
    with Store.open(home) as store:
        desk = Desk(graph, "7:", store.blobs, Slots(store, "ann", lambda: datetime.now(UTC)))
        for element in range(COUNT):
            desk.put(Place(0, element, str(element), {"text": text, "more": Plain(element)}))
        first = desk.works()
        assert 0 < len(first) < COUNT / 2
        assert sum(len(each.arguments[0]) for each in first) < 4 << 20
        assert desk.works() == []
        for each in (first[0], first[-1]):
            assert each.function == work.PERFORM
            (made,) = work.reply(work.perform(*each.arguments)).outputs
            assert made.data is not None
            assert msgspec.msgpack.decode(made.data) == (1 << 20) + int(each.key.removeprefix("7:"))
        handed, out = [each.key for each in first], first
        while out:
            for each in out:
                desk.done(each.key, graph.nodes[0])
            out = desk.works()
            handed += [each.key for each in out]
        assert handed == [f"7:{element}" for element in range(COUNT)]
