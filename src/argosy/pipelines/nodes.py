"""The nodes of a run: what each is given once all that it needs is there, what it comes to, and when it is over."""

from __future__ import annotations

from collections.abc import Callable

from argosy.errors import ArgosyError
from argosy.pipelines import recipe
from argosy.pipelines.binding import Binding
from argosy.pipelines.element import Elements, Place
from argosy.pipelines.frontier import Frontier, Outcome
from argosy.pipelines.landing import Ended
from argosy.pipelines.piece import Piece, Plain
from argosy.pipelines.setting import Setting
from argosy.spec.graph import Node, Reference, references
from argosy.store import Blobs, calls


class Nodes:
    """The nodes of one run, on their way from waiting to their end.

    `tell` hears of nodes and elements that come to nothing, `closed` of every node that is over.
    """

    def __init__(
        self, setting: Setting, run_id: int, blobs: Blobs, tell: Callable[[Ended], None], closed: Callable[[int], None]
    ) -> None:
        self._setting, self._run_id, self._tell, self._closed = setting, run_id, tell, closed
        self._graph = setting.graph
        self._frontier = Frontier(setting.graph)
        self._values: dict[int, tuple[Piece | None, ...]] = {}
        self._binding = Binding(self._values, setting.rows, setting.files, blobs)
        self._elements: dict[int, Elements] = {}
        self._hungry: set[int] = set()  # maps of which more may begin now
        self.failures: dict[str, str] = {}

    @property
    def over(self) -> bool:
        """Whether every node came to its end."""
        return self._frontier.over

    def outcome(self, node: int) -> Outcome | None:
        """What came of a node."""
        return self._frontier.outcomes.get(node)

    def pending(self) -> list[int]:
        """The nodes that came to no end yet."""
        return self._frontier.pending()

    def results(self) -> dict[str, Piece | None]:
        """What the pipeline gives, as far as it is there."""
        return {name: self._binding.piece(argument) for name, argument in self._graph.results.items()}

    def size(self, node: int) -> int:
        """How many calls a node comes to."""
        elements = self._elements.get(node)
        return elements.count if elements is not None else 1

    def open(self) -> list[Place]:
        """Begin the nodes that may, and more elements of maps; the calls that they come to, which may be none."""
        found = [place for node in self._frontier.ready() for place in self._begin(node)]
        hungry, self._hungry = self._hungry, set()
        return found + [place for node in hungry for place in self._go_on(node)]

    @property
    def idle(self) -> bool:
        """Whether no node may begin now, and no more of those that did."""
        return self._frontier.idle and not self._hungry

    def finish(self, place: Place, ended: Ended) -> list[Place]:
        """A call ended, and with it perhaps its node; the calls that follow within the node."""
        lost = ended.state == calls.FAILED
        if lost:
            self.failures.setdefault(ended.node, ended.reason)
        elements = self._elements.get(place.node)
        if elements is None:
            if not lost:
                self._values[place.node] = ended.outputs
            self._close(place.node, "failed" if lost else "done")
            return []
        if lost:
            elements.lose()
        else:
            elements.put(place.element, ended.outputs)
        if elements.hungry:
            self._hungry.add(place.node)
        return self._close_elements(place.node) if elements.complete else []

    def _begin(self, number: int) -> list[Place]:
        """Open a node; returns the calls that it comes to. What is wrong with its arguments fails the node alone."""
        node = self._graph.nodes[number]
        try:
            reason = self._barred(number, node)
            if reason:
                self._drop(number, "skipped", reason)
                return []
            return self._calls(number, node)
        except ArgosyError as error:
            self._drop(number, "failed", str(error))
            return []

    def _barred(self, number: int, node: Node) -> str:
        """Why a node is not to run; nothing where it is."""
        for guard in node.guards:
            name = self._graph.nodes[guard.condition.node].name
            if self.outcome(guard.condition.node) != "done":
                return f"needs {name}, which {_became(self.outcome(guard.condition.node))}"
            if self._binding.holds(self._binding.piece(guard.condition)) != guard.holds:
                return f"{name} is {str(not guard.holds).lower()}"
        if node.kind == "either":
            return ""
        for other in self._frontier.missing(number):
            return f"needs {self._graph.nodes[other].name}, which {_became(self.outcome(other))}"
        return ""

    def _calls(self, number: int, node: Node) -> list[Place]:
        if node.kind == "either":
            self._choose(number, node)
            return []
        if node.kind == "fleet":
            return [self._place(number, node, calls.WHOLE, {"fleet": Plain(node.fleet)})]
        if node.kind == "call":
            return [self._place(number, node, calls.WHOLE, self._binding.whole(node))]
        if node.kind == "reduce":
            return self._reduce(number, node)
        count, bound = self._binding.elements(node)
        self._elements[number] = Elements(count, node.outputs, bound)
        return self._go_on(number)

    def _go_on(self, number: int) -> list[Place]:
        """Begin further elements of a map, as many as may be out."""
        node, elements = self._graph.nodes[number], self._elements[number]
        places = []
        for element, arguments in elements.begin():
            if arguments is None:
                reason = "an element that it needs is missing"
                self._tell(
                    Ended(node=node.name, element=element, state=calls.SKIPPED, reason=reason, of=elements.count)
                )
                elements.leave_out()
            else:
                places.append(self._place(number, node, element, arguments))
        if elements.complete:
            self._close_elements(number)
        elif elements.hungry:
            self._hungry.add(number)
        return places

    def _place(self, number: int, node: Node, element: int, arguments: dict[str, Piece | None]) -> Place:
        if node.step is None:
            key = recipe.untied(f"{self._run_id}/{node.name}")
        else:
            salt = "" if node.step.options.cache else f"{self._run_id}/{node.name}/{element}"
            key = recipe.key(self._setting.recipes[node.step.function], arguments, salt)
        return Place(number, element, key, arguments)

    def _choose(self, number: int, node: Node) -> None:
        condition: Reference = node.arguments["condition"]
        needed = [condition.node]
        if self.outcome(condition.node) == "done":
            taken = self._binding.taken(node)
            needed = [each.node for each in references(taken)]
        for other in needed:
            if self.outcome(other) != "done":
                reason = f"needs {self._graph.nodes[other].name}, which {_became(self.outcome(other))}"
                self._drop(number, "skipped", reason)
                return
        self._values[number] = (self._binding.piece(taken),)
        self._close(number, "done")

    def _reduce(self, number: int, node: Node) -> list[Place]:
        values = self._binding.folded(node)
        elements = self._elements[number] = Elements(0, 1, values=values)
        return self._folds(number, elements)

    def _folds(self, number: int, elements: Elements) -> list[Place]:
        """The folds of the next level of a reduction; its end where there is none."""
        node = self._graph.nodes[number]
        pairs = elements.pairs()
        if not pairs:
            self._values[number] = (elements.reduced,)
            self._close(number, "done")
        rest = self._binding.beside(node)
        return [self._place(number, node, place, {"0": a, "1": b, **rest}) for place, a, b in pairs]

    def _close_elements(self, number: int) -> list[Place]:
        node, elements = self._graph.nodes[number], self._elements[number]
        if node.kind == "reduce" and not elements.lost:
            return self._folds(number, elements)
        if elements.lost and (node.kind == "reduce" or not node.keep_going or not elements.kept):
            self._close(number, "failed")
        else:
            self._values[number] = elements.columns()
            self._close(number, "done")
        return []

    def _close(self, number: int, outcome: Outcome) -> None:
        self._elements.pop(number, None)
        self._frontier.close(number, outcome)
        self._closed(number)

    def _drop(self, number: int, outcome: Outcome, reason: str) -> None:
        """A node comes to nothing, and why."""
        name = self._graph.nodes[number].name
        if outcome == "failed":
            self.failures.setdefault(name, reason)
        self._tell(Ended(node=name, element=calls.WHOLE, state=outcome, reason=reason))
        self._close(number, outcome)


def _became(outcome: Outcome | None) -> str:
    return "failed" if outcome == "failed" else "was skipped"
