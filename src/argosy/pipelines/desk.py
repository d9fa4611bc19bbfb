"""The desk: where calls become works of the engine, some of which wait for a slot of their limit."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Any

import msgspec

from argosy.engine.contract import Work
from argosy.pipelines import recipe, work
from argosy.pipelines.element import Place
from argosy.pipelines.piece import Piece
from argosy.pipelines.slots import Slots
from argosy.spec import format
from argosy.spec.graph import Graph, Node, Reference
from argosy.spec.step import Limit
from argosy.store import Blobs

_MOST = 4000
"""Works that are out at a time, so that no more need be encoded."""
_LARGE = 1 << 16
"""Bytes beyond which what calls share travels by its address."""


class Desk:
    """Calls of one run, handed out as works, a few thousand at a time. Works bear `tag` before their key."""

    def __init__(self, graph: Graph, tag: str, blobs: Blobs, slots: Slots) -> None:
        self._graph, self._tag, self._blobs, self._slots = graph, tag, blobs, slots
        self._modules = format.modules()
        self._ready: dict[int, deque[Place]] = {}
        self._gated: dict[Limit, deque[Place]] = {}
        self._out = 0
        self._fleets: list[tuple[str, str]] = []
        self._origins: dict[int, dict[str, str]] = {}
        self._shared: dict[int, tuple[dict[str, Any], dict[str, msgspec.Raw]]] = {}

    def put(self, place: Place) -> None:
        """A call that is to be made."""
        node = self._graph.nodes[place.node]
        if node.step is None:
            assert node.fleet is not None
            self._fleets.append((f"{self._tag}{place.key}", node.fleet))
            return
        options = node.step.options
        place.told = self._told(place)
        if options.limit is None:
            self._ready.setdefault(options.priority, deque()).append(place)
        else:
            self._gated.setdefault(options.limit, deque()).append(place)

    def done(self, key: str, node: Node) -> None:
        """A work came to its end: its slot, if it had one, is free."""
        if node.step is None:
            return
        self._out -= 1
        if node.step.options.limit is not None:
            self._slots.give_back(node.step.options.limit, key)

    def works(self) -> list[Work]:
        """What is to be executed now, each told once: what got the slot that it needs, and as much of the rest as may
        be out, of the highest priority first.
        """
        found: list[Place] = []
        for limit, waiting in list(self._gated.items()):
            wanted = [f"{self._tag}{each.key}" for each in islice(waiting, limit.slots)]
            found += [waiting.popleft() for _ in range(self._slots.take(limit, wanted))]
            if not waiting:
                del self._gated[limit]
        self._slots.settle()
        for priority in sorted(self._ready, reverse=True):
            waiting = self._ready[priority]
            room = max(0, _MOST - self._out - len(found))
            found += [waiting.popleft() for _ in range(min(room, len(waiting)))]
            if not waiting:
                del self._ready[priority]
        self._out += len(found)
        return [self._work(place) for place in found]

    def fleets(self) -> list[tuple[str, str]]:
        """Fleets that are to be trained now: the key of the call and the fleet's name, each told once."""
        found, self._fleets = self._fleets, []
        return found

    def _work(self, place: Place) -> Work:
        step = self._graph.nodes[place.node].step
        assert step is not None
        options = step.options
        job = work.encode(work.Job(step.function, self._given(place), str(self._blobs.root), self._modules))
        return Work(
            key=f"{self._tag}{place.key}", function=work.PERFORM, arguments=(job,), timeout=options.seconds,
            memory=options.bytes, retries=options.retries, alone=options.alone, priority=options.priority,
            group=self._tag,
        )  # fmt: skip

    def _told(self, place: Place) -> dict[str, Any]:
        """The arguments of a call as they are recorded."""
        told, _ = self._common(place)
        own = {name: piece for name, piece in place.arguments.items() if name not in told}
        return told | recipe.told(own, self._origin(place.node))

    def _given(self, place: Place) -> dict[str, msgspec.Raw]:
        """The arguments of a call as they travel."""
        _, sent = self._common(place)
        own = {name: piece for name, piece in place.arguments.items() if name not in sent and piece is not None}
        return {name: msgspec.Raw(work.encode(piece)) for name, piece in own.items()} | sent

    def _common(self, place: Place) -> tuple[dict[str, Any], dict[str, msgspec.Raw]]:
        """What all calls of a node are given, as it is recorded and as it travels: made for the first of them."""
        found = self._shared.get(place.node)
        if found is None:
            node = self._graph.nodes[place.node]
            many = node.kind != "call"
            common = {
                name: piece for name, piece in place.arguments.items()
                if many and name in node.arguments and name not in node.spread
            }  # fmt: skip
            sent = {name: self._sent(piece) for name, piece in common.items() if piece is not None}
            found = self._shared[place.node] = recipe.told(common, self._origin(place.node)), sent
        return found

    def _sent(self, piece: Piece) -> msgspec.Raw:
        data = work.encode(piece)
        return msgspec.Raw(data if len(data) <= _LARGE else work.encode(work.Parcel(self._blobs.put(data))))

    def _origin(self, number: int) -> dict[str, str]:
        """The nodes that a node's arguments come from, by the argument's name."""
        found = self._origins.get(number)
        if found is None:
            nodes = self._graph.nodes
            given = nodes[number].arguments.items()
            found = {name or "list": nodes[value.node].name for name, value in given if isinstance(value, Reference)}
            self._origins[number] = found
        return found
