"""Claiming: which calls are this run's to make, and which are left to others that are at work on the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import cached_property

import msgspec
from sqlalchemy import Connection

from argosy.pipelines import claim
from argosy.pipelines.element import Place
from argosy.pipelines.landing import Write
from argosy.pipelines.setting import Setting
from argosy.store import claims


class Shard(msgspec.Struct, frozen=True):
    """The part of each map that a run begins with, one of `of`: elements whose number leaves the rest `number`."""

    number: int
    of: int


class Claiming:
    """The claims of one run.

    A whole run claims all that it has left to do at once, before it executes anything: so no two runs can wait for one
    another in a circle. A shard claims what it is about to execute, which waits for nobody, its own part of each map
    first; when it has nothing to do, it takes parts that nobody has begun.
    """

    def __init__(
        self, setting: Setting, run_id: int, write: Write, clock: Callable[[], datetime], shard: Shard | None
    ) -> None:
        self._setting, self._run_id, self._write, self._clock, self._shard = setting, run_id, write, clock, shard
        self._begun = False
        self._mine: set[str] = set()
        self._nodes: dict[str, set[int]] = {}  # those that fall under a name and came to no end yet
        self._out: dict[str, int] = {}
        self._free: list[str] = []
        self._others: dict[str, list[Place]] = {}

    @property
    def waits(self) -> bool:
        """Whether others are at work on something that this run needs."""
        return bool(self._others)

    def sort(self, places: Iterable[Place], pending: Callable[[], Iterable[int]]) -> tuple[list[Place], bool]:
        """The places that are ours to execute, and whether any of them became so just now.

        The others are kept until whoever works on them is done. `pending` tells the nodes that came to no end yet.
        """
        places = list(places)
        before = len(self._mine)
        if self._shard is not None:
            self._take((self.name(place), place.node) for place in places if self._is_first(place))
        elif not self._begun:
            self._begun = True
            self._take((self._names[node], node) for node in pending())
        return self._ours(places), len(self._mine) > before

    def again(self) -> list[Place]:
        """Claim once more what others were at work on; the places of what was given back, or whose owner died."""
        if self._shard is None:
            self._take((name, place.node) for name, places in self._others.items() for place in places)
        gained = [name for name in self._others if name in self._mine]
        return [place for name in gained for place in self._others.pop(name)]

    def known(self) -> list[Place]:
        """All that is left to others, to be looked up: what is known is to be told by `settled`."""
        return [place for places in self._others.values() for place in places]

    def settled(self, place: Place) -> None:
        """Others made what was left to them."""
        name = self.name(place)
        self._others[name].remove(place)
        if not self._others[name]:
            del self._others[name]

    def steal(self) -> list[Place]:
        """Take one part that nobody is at work on; its places, or none."""
        for name, places in list(self._others.items()):
            self._take((name, place.node) for place in places)
            if name in self._mine:
                return self._ours(self._others.pop(name))
        return []

    def name(self, place: Place) -> str:
        """The claim that a place falls under."""
        base = self._names[place.node]
        if self._shard is None or self._setting.graph.nodes[place.node].kind != "map":
            return base
        return f"{base}/{place.element % self._shard.of}/{self._shard.of}"

    def ended(self, place: Place) -> None:
        """A place has its result."""
        name = self.name(place) if self._out else ""
        if name in self._out:
            self._out[name] -= 1
            if not self._out[name] and "/" in name:
                self._let_go(name)

    def closed(self, node: int) -> None:
        """A node came to its end."""
        if not self._mine:
            return
        whole = self._shard is None
        names = [self._names[node]] if whole else [name for name, each in self._nodes.items() if node in each]
        for name in names:
            nodes = self._nodes.get(name, set())
            nodes.discard(node)
            if not nodes:
                self._let_go(name)

    def land(self, tx: Connection, used: Collection[str]) -> None:
        """In the transaction that records results: raise LeaseError unless their claims are ours; free what is done."""
        claims.hold(tx, list(used), self._run_id)
        free, self._free = self._free, []
        if free:
            claims.release(tx, self._run_id, free)

    def _is_first(self, place: Place) -> bool:
        assert self._shard is not None
        mapped = self._setting.graph.nodes[place.node].kind == "map"
        return not mapped or place.element % self._shard.of == self._shard.number

    def _ours(self, places: list[Place]) -> list[Place]:
        found = []
        for place in places:
            name = self.name(place)
            if name in self._mine:
                self._out[name] = self._out.get(name, 0) + 1
                found.append(place)
            else:
                self._others.setdefault(name, []).append(place)
        return found

    def _take(self, wanted: Iterable[tuple[str, int]]) -> None:
        asked: dict[str, set[int]] = {}
        for name, node in wanted:
            asked.setdefault(name, set()).add(node)
        for name in asked.keys() & self._mine:
            self._nodes[name] |= asked.pop(name)
        if not asked:
            return
        with self._write() as tx:
            taken = claims.take(tx, asked, self._run_id, self._clock())
        self._mine |= taken
        self._free = [name for name in self._free if name not in taken]  # a part of a map's next elements
        for name in taken:
            self._nodes[name] = asked[name]

    def _let_go(self, name: str) -> None:
        if name in self._mine:
            self._mine.discard(name)
            self._free.append(name)
            self._out.pop(name, None)
            self._nodes.pop(name, None)

    @cached_property
    def _names(self) -> list[str]:
        made = self._setting
        return claim.names(made.graph, made.recipes, made.rows, made.files, str(self._run_id))
