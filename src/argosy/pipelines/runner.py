"""The runner of one run: opens nodes, looks results up, hands out what is to be executed, lands what came of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

from argosy.engine.contract import Result, Work
from argosy.pipelines import landing, work
from argosy.pipelines.claiming import Claiming, Shard
from argosy.pipelines.desk import Desk
from argosy.pipelines.element import Place
from argosy.pipelines.landing import Context, Ended, Write
from argosy.pipelines.memo import Known, Memo, lost
from argosy.pipelines.nodes import Nodes
from argosy.pipelines.piece import INLINE, Piece
from argosy.pipelines.setting import Setting
from argosy.pipelines.slots import Slots
from argosy.store import Store, calls, claims
from argosy.store.runs import Run

_SOON = 0.005  # seconds that a result may wait to be landed with others
_SHARE = 20  # results may wait this many times as long as a landing takes
_LATEST = 0.25
_MOST = 2000
_POLL = 0.2  # seconds between looks at what other runs do for this one


class Runner:
    """One run on its way. It belongs to one thread; whoever drives it calls `advance`, `take` and `land` in turn.

    `write` opens the transactions that results are recorded in. `last` is a run whose results are likely to be wanted
    again. `on_ended` is told of every call once it has landed. Works bear the run's id before their key.
    """

    def __init__(
        self, store: Store, run: Run, setting: Setting, *, write: Write, clock: Callable[[], datetime], slots: Slots,
        last: int | None = None, shard: Shard | None = None, on_ended: Callable[[Ended], None] | None = None,
    ) -> None:  # fmt: skip
        self.run = run
        self.tag = f"{run.id}:"
        self.graph = setting.graph
        self._store, self._setting, self._write, self._clock = store, setting, write, clock
        self._on_ended, self._shard = on_ended, shard
        self._context = Context(run.id, run.pipeline, run.bundle)
        self._memo = Memo(store, last)
        self._open: dict[str, list[Place]] = {}
        self._desk = Desk(setting.graph, self.tag, store.blobs, slots)
        self._claiming = Claiming(setting, run.id, write, clock, shard)
        self._waiting: list[Ended] = []
        self._made: dict[str, Ended] = {}  # what was made here and has not landed, by key
        self._nodes = Nodes(setting, run.id, store.blobs, self._tell, self._claiming.closed)
        self._unplaced: list[tuple[Ended, list[Place]]] = []
        self._polled = self._landed = time.monotonic()
        self._cost = 0.0
        self.counts: Counter[str] = Counter()
        self.lost: set[str] = set()
        """Blobs and artifacts that were damaged or gone when calls, or maps and choices, came to read them."""

    # What whoever drives it calls.

    @property
    def over(self) -> bool:
        """Whether every node came to an end."""
        return self._nodes.over

    def advance(self) -> list[Work]:
        """Open what may begin; returns what is to be executed now."""
        if self._claiming.waits and time.monotonic() - self._polled > _POLL:
            self._polled = time.monotonic()
            self._ask_others()
        while not self._nodes.idle and len(self._waiting) < _MOST:
            self._look_up(self._nodes.open())
        return self._desk.works()

    def fleets(self) -> list[tuple[str, str]]:
        """Fleets that are to be trained now: the key of the call and the fleet's name, each told once."""
        return self._desk.fleets()

    def place(self, key: str) -> Place | None:
        """The call that a work of this run is for; None for one that is not out."""
        places = self._open.get(key.removeprefix(self.tag)) if key.startswith(self.tag) else None
        return places[0] if places else None

    def take(self, result: Result) -> None:
        """What came of a work that `advance`, or of a training that `fleets` returned."""
        key = result.key.removeprefix(self.tag)
        places = self._open.pop(key)
        first = places[0]
        node = self.graph.nodes[first.node]
        self._desk.done(result.key, node)
        ended = Ended(
            node=node.name, element=first.element, state=calls.EXECUTED, key=key,
            arguments=first.arguments, told=first.told, result=result, of=self._nodes.size(first.node),
            claim=self._claiming.name(first),
        )  # fmt: skip
        if result.failure is not None:
            ended.state, ended.reason = calls.FAILED, f"{result.failure.kind}: {result.failure.message}"
        else:
            reply = work.reply(result.value)
            ended.made, ended.metrics, ended.logged = reply.outputs, reply.metrics, reply.parameters
        self._waiting.append(ended)
        if all(each.data is not None and len(each.data) <= INLINE for each in ended.made):
            ended.outputs = tuple(landing.hold(each, {}) for each in ended.made)
            self._settle(ended, places)
        else:
            self._unplaced.append((ended, places))  # it needs a place before others may read it

    @property
    def patience(self) -> float:
        """Seconds until what came should be landed, or more may begin; infinity where neither is to be."""
        if not self._nodes.idle:
            return 0.0
        if not self._waiting:
            return float("inf")
        if self._unplaced or self.over or len(self._waiting) >= _MOST:
            return 0.0
        allowed = min(max(_SOON, _SHARE * self._cost), _LATEST)
        return max(0.0, self._landed + allowed - time.monotonic())

    def land(self) -> None:
        """Record what came since the last time. Raises LeaseError where the right to the run was lost."""
        ended, self._waiting = self._waiting, []
        unplaced, self._unplaced = self._unplaced, []
        if not ended:
            return
        began = time.monotonic()
        placed = landing.place([made for each, _ in unplaced for made in each.made], self._store.blobs)
        for each, _ in unplaced:
            each.outputs = tuple(landing.hold(made, placed) for made in each.made)
        now = self._clock()
        with self._write() as tx:
            landing.land(tx, self._store.blobs, self._context, ended, now)
            self._claiming.land(tx, {each.claim for each in ended if each.claim})
        for each, places in unplaced:
            self._settle(each, places)
        self._landed = time.monotonic()
        self._cost = self._landed - began
        for each in ended:
            if self._made.get(each.key) is each and each.execution_id is not None:
                del self._made[each.key]
                self._memo.learn(each.key, Known(each.execution_id, now, each.outputs))
            self.counts[each.state] += 1
            if each.state == calls.FAILED:
                self.lost |= lost(each.reason)
            if self._on_ended is not None:
                self._on_ended(each)

    def stop(self) -> list[str]:
        """Give up: what came is landed, claims are given back; returns the keys of works that are still out."""
        self.land()
        with self._write() as tx:
            claims.release(tx, self.run.id)
        return [f"{self.tag}{key}" for key in self._open]

    @property
    def failures(self) -> dict[str, str]:
        """Why nodes failed, or elements of those that keep going, by the name of the node."""
        return self._nodes.failures

    @property
    def failed(self) -> bool:
        """Whether a node failed."""
        return any(self._nodes.outcome(node) == "failed" for node in range(len(self.graph.nodes)))

    def results(self) -> dict[str, Piece | None]:
        """What the pipeline gives, as far as it is there."""
        return self._nodes.results()

    def _tell(self, ended: Ended) -> None:
        self._waiting.append(ended)

    def _look_up(self, places: list[Place]) -> None:
        """Take what is known; hand out the rest, or leave it to the runs that are at work on it."""
        rest = self._use(places)
        if not rest:
            return
        ours, gained = self._claiming.sort(rest, self._nodes.pending)
        for place in self._use(ours) if gained else ours:  # whoever had the claim may have landed it meanwhile
            self._hand_out(place)

    def _use(self, places: list[Place]) -> list[Place]:
        """Take what is known already, or is being made; the places of which nothing is known."""
        known = self._memo.find(list(dict.fromkeys(place.key for place in places))) if places else {}
        rest = []
        for place in places:
            node = self.graph.nodes[place.node]
            found, made = known.get(place.key), self._made.get(place.key)
            if made is not None:
                self._double(place, made)
            elif found is not None and (node.step is None or found.fresh(node.step.options.cache, self._clock())):
                ended = Ended(
                    node=node.name, element=place.element, state=calls.CACHED, key=place.key, outputs=found.outputs,
                    execution_id=found.execution_id, of=self._nodes.size(place.node),
                )  # fmt: skip
                self._waiting.append(ended)
                self._finish(place, ended)
            elif place.key in self._open:
                self._open[place.key].append(place)
            else:
                rest.append(place)
        return rest

    def _hand_out(self, place: Place) -> None:
        if place.key in self._open:
            self._open[place.key].append(place)
        else:
            self._open[place.key] = [place]
            self._desk.put(place)

    def _settle(self, ended: Ended, places: Iterable[Place]) -> None:
        """A call ended, here: whoever else asked for the same has it as well."""
        first, *others = places
        if ended.state == calls.EXECUTED:
            self._made[ended.key] = ended
        self._finish(first, ended)
        for place in others:
            self._double(place, ended)

    def _double(self, place: Place, ended: Ended) -> None:
        """A call that is the same as one that was made here."""
        state = calls.CACHED if ended.state == calls.EXECUTED else calls.FAILED
        twin = Ended(
            node=self.graph.nodes[place.node].name, element=place.element, state=state, key=place.key,
            reason=ended.reason, outputs=ended.outputs, twin=ended, execution_id=ended.execution_id,
            of=self._nodes.size(place.node),
        )  # fmt: skip
        self._waiting.append(twin)
        self._finish(place, twin)

    def _finish(self, place: Place, ended: Ended) -> None:
        self._claiming.ended(place)
        self._look_up(self._nodes.finish(place, ended))

    def _ask_others(self) -> None:
        """See what became of what others are at work on: once it is given back, it is there, or ours to make."""
        if self._shard is None:
            self._look_up(self._claiming.again())
            return
        places = self._claiming.known()
        known = self._memo.find([place.key for place in places])
        done = [place for place in places if place.key in known]
        for place in done:
            self._claiming.settled(place)
        self._look_up(done)
        if not done and not self._open:
            for place in self._use(self._claiming.steal()):
                self._hand_out(place)
