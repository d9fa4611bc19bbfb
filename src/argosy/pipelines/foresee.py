"""Foresight: what a run would do, without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from argosy.errors import ArgosyError
from argosy.pipelines import recipe
from argosy.pipelines.binding import Binding
from argosy.pipelines.frontier import Frontier
from argosy.pipelines.memo import Known, Memo, lost
from argosy.pipelines.past import Past
from argosy.pipelines.piece import Many, Piece
from argosy.pipelines.reduction import Reduction
from argosy.pipelines.setting import Setting
from argosy.spec.graph import Node, Reference, references
from argosy.store import Store, calls

Foreseen = Literal["run", "cached", "skip", "open"]


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of a node: whether it would run, is cached, is skipped, or hangs on what runs before it.

    Of `calls` calls, where that is known, `cached` are; `why` says why the first of the others is to be executed.
    """

    node: str
    verdict: Foreseen
    calls: int | None = None
    cached: int = 0
    why: tuple[str, ...] = ()


Arguments = dict[str, Piece | None]


def foresee(store: Store, setting: Setting, past: Past, now: datetime, last: int | None) -> list[Outlook]:
    """The outlook of every node of a graph, in order. Reads the store, and changes nothing."""
    return _Foresight(store, setting, past, now, last).all()


class _Foresight:
    def __init__(self, store: Store, setting: Setting, past: Past, now: datetime, last: int | None) -> None:
        self._setting, self._past, self._now = setting, past, now
        self._values: dict[int, tuple[Piece | None, ...]] = {}
        self._binding = Binding(self._values, setting.rows, setting.files, store.blobs)
        self._memo = Memo(store, last)

    def all(self) -> list[Outlook]:
        graph = self._setting.graph
        frontier = Frontier(graph)
        found: dict[int, Outlook] = {}
        while ready := frontier.ready():
            for number in ready:
                found[number] = outlook = self._outlook(number, graph.nodes[number], frontier, found)
                frontier.close(number, "done" if outlook.verdict == "cached" else "skipped")
        return [found[number] for number in range(len(graph.nodes))]

    def _outlook(self, number: int, node: Node, frontier: Frontier, found: dict[int, Outlook]) -> Outlook:
        try:
            return self._look(number, node, frontier, found)
        except ArgosyError as error:
            if lost(error.message):
                why = f"hangs on what is to be made anew: {error.message}"
                return Outlook(node=node.name, verdict="open", why=(why,))
            return Outlook(node=node.name, verdict="run", why=(f"will fail: {error.message}",))

    def _look(self, number: int, node: Node, frontier: Frontier, found: dict[int, Outlook]) -> Outlook:
        for guard in node.guards:
            piece = self._binding.piece(guard.condition)
            if piece is not None and self._binding.holds(piece) != guard.holds:
                name = self._setting.graph.nodes[guard.condition.node].name
                return Outlook(node=node.name, verdict="skip", why=(f"{name} is {str(not guard.holds).lower()}",))
        if node.kind == "either":
            return self._choose(number, node)
        lacking = [found[other] for other in frontier.missing(number)]
        if lacking:
            skipped = next((each for each in lacking if each.verdict == "skip"), None)
            if skipped is not None:
                return Outlook(node=node.name, verdict="skip", why=(f"needs {skipped.node}, which is skipped",))
            names = ", ".join(each.node for each in lacking[:3]) + ", …" * (len(lacking) > 3)
            return Outlook(node=node.name, verdict="open", why=(f"hangs on what comes of {names}",))
        return self._known(number, node)

    def _known(self, number: int, node: Node) -> Outlook:
        if node.step is None:
            return Outlook(node=node.name, verdict="run", calls=1, why=("a fleet is asked each time",))
        if node.kind == "reduce":
            return self._reduced(number, node)
        given = list(self._binding.elements(node)[1]) if node.kind == "map" else [self._binding.whole(node)]
        keys, known = self._find(node, given)
        if len(keys) == len(given) and all(key in known for key in keys):
            rows = [known[key].outputs for key in keys]
            columns = zip(*rows, strict=True) if rows else [()] * node.outputs
            self._values[number] = rows[0] if node.kind == "call" else tuple(Many.of(tuple(each)) for each in columns)
            return Outlook(node=node.name, verdict="cached", calls=len(keys), cached=len(keys))
        cached = sum(key in known for key in keys)
        why = self._why(node, given, known)
        return Outlook(node=node.name, verdict="run", calls=len(given), cached=cached, why=why)

    def _reduced(self, number: int, node: Node) -> Outlook:
        """A reduction, level by level, as far as its folds are known."""
        values = self._binding.folded(node)
        reduction, cached = Reduction(values), 0
        rest = self._binding.beside(node)
        while pairs := reduction.pairs():
            given = [{"0": a, "1": b, **rest} for _, a, b in pairs]
            keys, known = self._find(node, given)
            cached += sum(key in known for key in keys)
            if not all(key in known for key in keys):
                why = self._why(node, given, known, pairs[0][0])
                return Outlook(node=node.name, verdict="run", calls=len(values) - 1, cached=cached, why=why)
            for (place, _, _), key in zip(pairs, keys, strict=True):
                value = known[key].outputs[0]
                assert value is not None
                reduction.put(place, value)
        self._values[number] = (reduction.result,)
        return Outlook(node=node.name, verdict="cached", calls=cached, cached=cached)

    def _find(self, node: Node, given: Sequence[Arguments | None]) -> tuple[list[str], dict[str, Known]]:
        """The keys of calls that can be made, and what is known of them."""
        assert node.step is not None
        made, cache = self._setting.recipes[node.step.function], node.step.options.cache
        keys = [recipe.key(made, each) for each in given if each is not None]
        known = self._memo.find(keys) if cache else {}
        return keys, {key: each for key, each in known.items() if each.fresh(cache, self._now)}

    def _why(
        self, node: Node, given: Sequence[Arguments | None], known: dict[str, Known], first: int = 0
    ) -> tuple[str, ...]:
        """Why the first call that is not known would run; `first` is the element that `given` begins with."""
        assert node.step is not None
        if not node.step.options.cache:
            return ("it is not cached",)
        made = self._setting.recipes[node.step.function]
        origins = {
            name: self._setting.graph.nodes[value.node].name
            for name, value in node.arguments.items()
            if isinstance(value, Reference)
        }
        for element, arguments in enumerate(given, first):
            if arguments is not None and recipe.key(made, arguments) not in known:
                place = calls.WHOLE if node.kind == "call" else element
                return tuple(self._past.why(node.name, place, made, recipe.told(arguments, origins)))
        return ()

    def _choose(self, number: int, node: Node) -> Outlook:
        condition: Reference = node.arguments["condition"]
        piece = self._binding.piece(condition)
        if piece is None:
            return Outlook(node=node.name, verdict="open", why=("hangs on its condition",))
        taken = self._binding.taken(node)
        if any(each.node not in self._values for each in references(taken)):
            return Outlook(node=node.name, verdict="open", why=("hangs on the branch that is taken",))
        self._values[number] = (self._binding.piece(taken),)
        return Outlook(node=node.name, verdict="cached", calls=0)
