"""Tracing: a pipeline function is called with its parameters, and each call of a step in it becomes a node."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from argosy.errors import DeclarationError
from argosy.spec import check, interface
from argosy.spec.dataset import Dataset
from argosy.spec.fleet import Fleet
from argosy.spec.function import resolve
from argosy.spec.graph import (
    Data,
    File,
    Graph,
    Guard,
    Kind,
    Node,
    Output,
    Reference,
    Several,
    Whole,
    clashes,
    holds_output,
)
from argosy.spec.interface import Input

if TYPE_CHECKING:
    from argosy.spec.step import Step

NODES = 100_000
"""Calls in a pipeline, elements of maps not counted."""

_current: ContextVar[Trace | None] = ContextVar("argosy_trace", default=None)


def current() -> Trace | None:
    """The trace that the code that asks runs in, if any."""
    return _current.get()


def trace(pipeline: str, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Graph:
    """The graph of a pipeline function for its arguments. Raises DeclarationError that names the step at fault."""
    made = Trace(pipeline)
    token = _current.set(made)
    try:
        with made.within(pipeline, top=True):
            results = function(**arguments)
    finally:
        _current.reset(token)
    return made.graph(results)


class Trace:
    """A graph in the making."""

    def __init__(self, pipeline: str) -> None:
        self._pipeline = pipeline
        self._nodes: list[Node] = []
        self._names: dict[str, int] = {}
        self._guards: tuple[Guard, ...] = ()
        self._within: list[str] = []
        self._prefix = ""

    def graph(self, results: Any) -> Graph:
        """All that was traced; `results` is what the pipeline function returned."""
        return Graph(self._pipeline, tuple(self._nodes), self._results(results))

    @contextmanager
    def within(self, pipeline: str, *, top: bool = False) -> Iterator[None]:
        """What is called meanwhile belongs to a pipeline within this one, which may not call itself."""
        if pipeline in self._within:
            raise DeclarationError(
                f"pipeline {pipeline} calls itself: {' -> '.join([*self._within, pipeline])}",
                next="use ag.when to end a repetition, or write it as a step",
            )
        before = self._prefix
        self._within.append(pipeline)
        self._prefix = "" if top else f"{self._name(pipeline)}/"
        try:
            yield
        finally:
            self._within.pop()
            self._prefix = before

    def call(self, step: Step[..., Any], args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """One call; its output, or a tuple of them."""
        owner = f"step {step.name}"
        given = step.interface.bind(owner, args, named)
        arguments = {name: self._argument(owner, step.interface.inputs[name], value) for name, value in given.items()}
        return self._outputs(self._add(step.name, "call", step, arguments), step, listed=False)

    def map(self, step: Step[..., Any], args: Sequence[Any], named: Mapping[str, Any], *, keep_going: bool) -> Any:
        """A call for each element of what is spread; its output, or a tuple of them, each a list."""
        owner = f"step {step.name}.map"
        given = step.interface.bind(owner, args, named)
        spread = frozenset(name for name, value in given.items() if spreads(value))
        if not spread:
            raise DeclarationError(
                f"{owner} is given no list to go through", next=f"give it one, or call {step.name}(…) once"
            )
        arguments = {}
        for name, value in given.items():
            wanted = step.interface.inputs[name]
            arguments[name] = (
                self._spread(owner, wanted, value) if name in spread else self._whole(owner, wanted, value)
            )
        written = {name: arguments[name] for name in given if name in spread}
        lengths = {name: len(each.items) for name, each in written.items() if isinstance(each, Several)}
        if len(set(lengths.values())) > 1:
            raise check.fail(f"{owner}'s lists", lengths, "of one length", "give each element all that it takes")
        node = self._add(step.name, "map", step, arguments, spread=spread, keep_going=keep_going)
        return self._outputs(node, step, listed=True)

    def reduce(self, step: Step[..., Any], values: Any, named: Mapping[str, Any]) -> Any:
        """A fold of a list, two at a time."""
        owner = f"step {step.name}.reduce"
        pair = step.interface.positional[:2]
        if len(pair) < 2 or step.interface.several:
            raise DeclarationError(f"{owner}: a reduction takes two values and gives one", next="give it two arguments")
        if not spreads(values):
            raise check.fail(f"{owner}'s argument", values, "a list", "give what .map returned, or a list")
        rest = step.interface.bind(owner, (), {**dict.fromkeys(pair), **named})
        arguments = {
            name: self._whole(owner, step.interface.inputs[name], rest[name]) for name in rest if name not in pair
        }
        arguments[""] = self._spread(owner, step.interface.inputs[pair[0]], values)
        return self._outputs(self._add(step.name, "reduce", step, arguments), step, listed=False)

    def when(self, condition: Output, then: Callable[[], Any], otherwise: Callable[[], Any] | None) -> Any:
        """What `then` gives where the condition's value is true, else what `otherwise` does."""
        asked = self._own(condition)
        yes = self._branch(Guard(asked, True), then)
        no = self._branch(Guard(asked, False), otherwise) if otherwise is not None else None
        if isinstance(yes, tuple):
            others = no if isinstance(no, tuple) else (no,) * len(yes)
            if len(others) != len(yes):
                raise check.fail(
                    "ag.when's otherwise", len(others), f"{len(yes)} values, as then gives", "return as many"
                )
            return tuple(self._either(asked, a, b) for a, b in zip(yes, others, strict=True))
        return self._either(asked, yes, no)

    def trained(self, fleet: Fleet | str, after: Sequence[Any]) -> Any:
        """A fleet that is trained here."""
        name = fleet.name if isinstance(fleet, Fleet) else fleet
        owner = f"fleet {name}"
        awaited = Several(tuple(self._argument(owner, Input("after", Any, None), value) for value in after))
        node = self._add(name, "fleet", None, {"after": awaited}, fleet=name)
        return Output(self, Reference(node), dict, owner, listed=False)

    def _branch(self, guard: Guard, then: Callable[[], Any]) -> Any:
        before = self._guards
        self._guards = (*before, guard)
        try:
            return then()
        finally:
            self._guards = before

    def _either(self, condition: Reference, yes: Any, no: Any) -> Output | None:
        if yes is None and no is None:
            return None
        wanted = Input("then", Any, None)
        arguments = {"condition": condition} | {
            name: self._argument("ag.when", wanted, value) for name, value in (("then", yes), ("otherwise", no))
        }
        known = [each for each in (yes, no) if isinstance(each, Output)]
        listed = bool(known) and all(each.listed for each in known)
        annotation = known[0].annotation if known else Any
        node = self._add("when", "either", None, arguments)
        return Output(self, Reference(node), annotation, self._nodes[node].name, listed=listed)

    def _add(
        self, name: str, kind: Kind, step: Step[..., Any] | None, arguments: dict[str, Any], *,
        spread: frozenset[str] = frozenset(), keep_going: bool = False, fleet: str | None = None,
    ) -> int:  # fmt: skip
        if len(self._nodes) >= NODES:
            raise check.fail(f"pipeline {self._pipeline}'s calls", f"more than {NODES:,}", f"at most {NODES:,}",
                             "use .map, which is one call whatever the number of elements")  # fmt: skip
        if step is not None and resolve(step.function) is not step.plain:
            raise DeclarationError(
                f"step {step.name} is of a function that is called {step.function}, and so is another one",
                next="give each function a name of its own with def, or make one step that takes what they differ in",
            )
        node = Node(self._name(name), kind, step, arguments, spread, keep_going, self._guards, fleet)
        self._nodes.append(node)
        return len(self._nodes) - 1

    def _name(self, name: str) -> str:
        full = named = f"{self._prefix}{name}"
        count = self._names.get(full, 0)
        while not count or named in self._names:  # a step may be called what a second call of another is
            count += 1
            named = full if count == 1 else f"{full}-{count}"
        self._names[full] = count
        self._names.setdefault(named, 1)
        return named

    def _outputs(self, node: int, step: Step[..., Any], *, listed: bool) -> Any:
        owner = self._nodes[node].name
        found = tuple(
            Output(
                self, Reference(node, place), list[each.annotation] if listed else each.annotation,  # type: ignore[name-defined]
                f"{owner}.{each.name}" if each.name else owner, listed=listed or interface.is_list(each.annotation),
            )
            for place, each in enumerate(step.interface.outputs)
        )  # fmt: skip
        return found if step.interface.several else found[0]

    def _argument(self, owner: str, wanted: Input, value: Any) -> Any:
        if isinstance(value, Output):
            reference = self._own(value)
            bare = interface.plain(wanted.annotation)
            if clashes(value.annotation, wanted.annotation) or (
                value.listed and bare is not Any and isinstance(bare, type) and not interface.is_list(bare)
            ):
                given = f"{value.owner}, {interface.show(value.annotation)}"
                raise check.fail(f"{owner}'s argument {wanted.name}", given, interface.show(wanted.annotation),
                                 "use .map for each item of a list")  # fmt: skip
            return reference
        if isinstance(value, (Data, File)):
            return value
        if isinstance(value, Dataset):
            return Data(value.name)
        if isinstance(value, Whole):
            raise check.fail(f"{owner}'s argument {wanted.name}", "ag.whole(…)", "given to .map", "leave ag.whole out")
        if isinstance(value, (list, tuple)) and holds_output(value):
            inner = Input(wanted.name, interface.item(wanted.annotation), wanted.default)
            return Several(tuple(self._argument(owner, inner, each) for each in value))
        if isinstance(value, Mapping) and holds_output(list(value.values())):
            raise check.fail(f"{owner}'s argument {wanted.name}", "a dict with an output in it", "an output, a list of "
                             "some, or a plain value", "give each by itself, or join them in a step")  # fmt: skip
        if isinstance(value, pathlib.PurePath) or (isinstance(value, str) and interface.is_path(wanted.annotation)):
            return File(str(value))
        return interface.constant(owner, wanted, value)

    def _whole(self, owner: str, wanted: Input, value: Any) -> Any:
        return self._argument(owner, wanted, value.value if isinstance(value, Whole) else value)

    def _spread(self, owner: str, wanted: Input, value: Any) -> Any:
        """A list of arguments, or the reference to one."""
        if isinstance(value, Output):
            return self._own(value)
        return Several(tuple(self._argument(owner, wanted, each) for each in value))

    def _own(self, output: Output) -> Reference:
        if not isinstance(output, Output) or output.trace is not self:
            raise DeclarationError(
                f"{output!r} was not made in pipeline {self._pipeline}", next="call the step within this pipeline"
            )
        return output.reference

    def _results(self, given: Any) -> dict[str, Any]:
        if given is None:
            return {}
        named: Mapping[str, Any]
        if isinstance(given, Mapping):
            named = given
        else:
            items = given if isinstance(given, (list, tuple)) else [given]
            named = {each.owner if isinstance(each, Output) else str(n): each for n, each in enumerate(items)}
        wanted = Input("result", Any, None)
        owner = f"pipeline {self._pipeline}'s result"
        return {str(name): self._argument(owner, wanted, value) for name, value in named.items()}


def spreads(value: Any) -> bool:
    """Whether a map goes through a value."""
    return value.listed if isinstance(value, Output) else isinstance(value, (list, tuple, range))
