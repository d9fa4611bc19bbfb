"""The graph of a pipeline: calls of steps as data, each with what it takes from whom. Pure: nothing runs here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import msgspec

from argosy.errors import DeclarationError
from argosy.spec import check, interface

if TYPE_CHECKING:
    from argosy.spec.step import Step

Kind = Literal["call", "map", "reduce", "either", "fleet"]


class Reference(msgspec.Struct, frozen=True):
    """The output of a node: its place among the node's outputs."""

    node: int
    place: int = 0


class Data(msgspec.Struct, frozen=True):
    """A dataset, at the version of a number, else at the latest when the run begins."""

    dataset: str
    number: int | None = None

    @classmethod
    def parse(cls, text: str, field: str) -> Data:
        """`flights` or `flights@12`. Raises DeclarationError."""
        name, at, number = text.partition("@")
        check.name(field, name)
        if at and not (number.isascii() and number.isdigit()):
            raise check.fail(field, text, "a dataset, or one of its versions as NAME@NUMBER", "write flights@12")
        return cls(name, int(number) if at else None)


class File(msgspec.Struct, frozen=True):
    """A file or directory outside of the store, whose content counts and not its path."""

    path: str


class Several(msgspec.Struct, frozen=True):
    """A list that was written out, of references, constants and datasets."""

    items: tuple[Any, ...]


class Whole(msgspec.Struct, frozen=True):
    """A list that a map hands to each element as it is."""

    value: Any


class Guard(msgspec.Struct, frozen=True):
    """That a node runs only where a condition's value is true, or false."""

    condition: Reference
    holds: bool


class Node(msgspec.Struct, frozen=True):
    """A call of a step, or of a step for each element of lists, or a choice between what two branches gave.

    `arguments` are constants, `Reference`s, `Data` and `Several`; `spread` names those that a map goes through.
    A reduction holds its list in the argument of an empty name; an either's are `condition`, `then` and `otherwise`.
    """

    name: str
    kind: Kind
    step: Step[..., Any] | None
    arguments: dict[str, Any]
    spread: frozenset[str] = frozenset()
    keep_going: bool = False
    guards: tuple[Guard, ...] = ()
    fleet: str | None = None

    @property
    def outputs(self) -> int:
        """How many outputs it has."""
        return len(self.step.interface.outputs) if self.step is not None else 1

    def needs(self) -> set[int]:
        """The nodes whose outputs it waits for."""
        found = {each.node for value in self.arguments.values() for each in references(value)}
        return found | {guard.condition.node for guard in self.guards}


class Graph(msgspec.Struct, frozen=True):
    """The nodes of a pipeline, each after those that it needs; `results` are what the pipeline gives, by name."""

    pipeline: str
    nodes: tuple[Node, ...]
    results: dict[str, Any]

    def datasets(self) -> list[Data]:
        """The datasets that it reads, each once."""
        values = (value for node in self.nodes for value in node.arguments.values())
        found = {each for value in (*values, *self.results.values()) for each in data(value)}
        return sorted(found, key=lambda each: (each.dataset, each.number or 0))

    def files(self) -> list[str]:
        """The paths outside of the store that it reads, each once."""
        values = (value for node in self.nodes for value in node.arguments.values())
        found = (each for value in (*values, *self.results.values()) for each in leaves(value))
        return sorted({each.path for each in found if isinstance(each, File)})

    def steps(self) -> dict[str, Step[..., Any]]:
        """The steps that it calls, by their reference."""
        return {node.step.function: node.step for node in self.nodes if node.step is not None}


class Output:
    """What a step will give once it runs: to be handed to other steps while a pipeline is traced, and for nothing else.

    Looking at its value raises DeclarationError: there is none yet.
    """

    __slots__ = ("annotation", "listed", "owner", "reference", "trace")

    def __init__(self, trace: object, reference: Reference, annotation: Any, owner: str, *, listed: bool) -> None:
        self.trace = trace
        self.reference = reference
        self.annotation = annotation
        self.owner = owner
        self.listed = listed

    def __repr__(self) -> str:
        return f"<output of {self.owner}>"

    def _unknown(
        self,
        *_: object,
        next: str = "use ag.when for a choice, .map for each of its items, and a step for anything else",
    ) -> NoReturn:
        raise DeclarationError(f"the value of {self.owner} is not known while the pipeline is put together", next=next)

    def __iter__(self) -> NoReturn:
        self._unknown(next="use .map for each of its items; where it gives several things, annotate it -> tuple[…]")

    __bool__ = __len__ = __getitem__ = __contains__ = __call__ = _unknown
    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _unknown
    __truediv__ = __rtruediv__ = __floordiv__ = __mod__ = __pow__ = __neg__ = __abs__ = __int__ = __float__ = _unknown
    __eq__ = __ne__ = __str__ = __format__ = _unknown
    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._unknown()


def leaves(value: Any) -> list[Any]:
    """The arguments within an argument: constants, references, datasets and files."""
    if not isinstance(value, Several):
        return [value]
    found: list[Any] = []
    for each in value.items:
        if isinstance(each, Several):
            found += leaves(each)
        else:
            found.append(each)
    return found


def references(value: Any) -> Iterator[Reference]:
    """The references within an argument."""
    return (each for each in leaves(value) if isinstance(each, Reference))


def data(value: Any) -> Iterator[Data]:
    """The datasets within an argument."""
    return (each for each in leaves(value) if isinstance(each, Data))


def holds_output(value: Any) -> bool:
    """Whether a written value has an output or a dataset in it."""
    if isinstance(value, (list, tuple)):
        return any(map(holds_output, value))
    return isinstance(value, (Output, Data))


def clashes(given: Any, wanted: Any) -> bool:
    """Whether values of one annotation are surely none of another: a list for a number, a text for a list."""
    return False if given is wanted else _clashes(given, wanted)


def _clashes(given: Any, wanted: Any) -> bool:
    simple = (int, float, str, bytes, bool, list, dict)
    a, b = (interface.plain(each) for each in (given, wanted))
    a, b = (getattr(each, "__origin__", each) for each in (a, b))
    if a not in simple or b not in simple or a is b:
        return False
    return (a, b) not in ((int, float), (bool, int), (bool, float))


def merge(pipeline: str, graphs: Mapping[str, Graph]) -> Graph:
    """Graphs side by side as one, the names of each after its prefix and a `/`; none needs anything of another."""
    nodes: list[Node] = []
    results: dict[str, Any] = {}
    for prefix, graph in graphs.items():
        first = len(nodes)
        nodes += (_moved(node, f"{prefix}/{node.name}", first) for node in graph.nodes)
        results |= {f"{prefix}/{name}": _shifted(value, first) for name, value in graph.results.items()}
    return Graph(pipeline, tuple(nodes), results)


def _moved(node: Node, name: str, first: int) -> Node:
    return msgspec.structs.replace(
        node, name=name, arguments={key: _shifted(value, first) for key, value in node.arguments.items()},
        guards=tuple(Guard(_shifted(guard.condition, first), guard.holds) for guard in node.guards),
    )  # fmt: skip


def _shifted(value: Any, first: int) -> Any:
    if isinstance(value, Reference):
        return Reference(value.node + first, value.place)
    return Several(tuple(_shifted(each, first) for each in value.items)) if isinstance(value, Several) else value
