"""The desk: where calls become works of the engine, some of which wait for a slot of their limit."""

from __future__ import annotations

from collections import deque
from itertools import islice

from argosy.engine.contract import Work
from argosy.pipelines import recipe, work
from argosy.pipelines.element import Place
from argosy.pipelines.slots import Slots
from argosy.spec import format
from argosy.spec.graph import Graph, Node, Reference
from argosy.spec.step import Limit


class Desk:
    """Works of one run that are to be handed out. They bear `tag` before their key."""

    def __init__(self, graph: Graph, tag: str, blobs: str, slots: Slots) -> None:
        self._graph, self._tag, self._blobs, self._slots = graph, tag, blobs, slots
        self._modules = format.modules()
        self._ready: list[Work] = []
        self._gated: dict[Limit, deque[Work]] = {}
        self._fleets: list[tuple[str, str]] = []
        self._origins: dict[int, dict[str, str]] = {}

    def put(self, place: Place) -> None:
        """A call that is to be made."""
        node = self._graph.nodes[place.node]
        if node.step is None:
            assert node.fleet is not None
            self._fleets.append((f"{self._tag}{place.key}", node.fleet))
            return
        options = node.step.options
        place.told = recipe.told(place.arguments, self._origin(place.node))
        given = {name: piece for name, piece in place.arguments.items() if piece is not None}
        job = work.encode(work.Job(node.step.function, given, self._blobs, self._modules))
        made = Work(
            key=f"{self._tag}{place.key}", function=work.PERFORM, arguments=(job,), timeout=options.seconds,
            memory=options.bytes, retries=options.retries, alone=options.alone, priority=options.priority,
            group=self._tag,
        )  # fmt: skip
        if options.limit is None:
            self._ready.append(made)
        else:
            self._gated.setdefault(options.limit, deque()).append(made)

    def done(self, key: str, node: Node) -> None:
        """A work came to its end: its slot, if it had one, is free."""
        if node.step is not None and node.step.options.limit is not None:
            self._slots.give_back(node.step.options.limit, key)

    def works(self) -> list[Work]:
        """What is to be executed now, each told once: what needs no slot, or got one."""
        for limit, waiting in list(self._gated.items()):
            wanted = [each.key for each in islice(waiting, limit.slots)]
            self._ready += [waiting.popleft() for _ in range(self._slots.take(limit, wanted))]
            if not waiting:
                del self._gated[limit]
        self._slots.settle()
        found, self._ready = self._ready, []
        return found

    def fleets(self) -> list[tuple[str, str]]:
        """Fleets that are to be trained now: the key of the call and the fleet's name, each told once."""
        found, self._fleets = self._fleets, []
        return found

    def _origin(self, number: int) -> dict[str, str]:
        """The nodes that a node's arguments come from, by the argument's name."""
        found = self._origins.get(number)
        if found is None:
            nodes = self._graph.nodes
            given = nodes[number].arguments.items()
            found = {name or "list": nodes[value.node].name for name, value in given if isinstance(value, Reference)}
            self._origins[number] = found
        return found
