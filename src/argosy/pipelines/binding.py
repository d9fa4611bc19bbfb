"""Binding: the arguments of a node as pieces, once what it needs is there; of each element, where it is mapped."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from argosy.errors import InputError
from argosy.pipelines import format
from argosy.pipelines.formats import value
from argosy.pipelines.piece import Held, Many, Outside, Piece, Plain, Rows, travels
from argosy.spec.graph import Data, File, Node, Reference, Several
from argosy.store import Blobs

Values = Mapping[int, tuple[Piece | None, ...]]
"""What nodes gave, by their number; None for nothing, as the branch not taken gives."""


def constant(given: Any) -> Plain | Held:
    """A constant, in a form that arrives as it is."""
    if travels(given):
        return Plain(given)
    data = value.dump(given)
    return Held("value", hashlib.sha256(data).hexdigest(), len(data), data, of="")


class Binding:
    """Turns arguments of the graph into pieces, as far as `values`, which grow, has what they need.

    `rows` and `files` are what the run reads from outside.
    """

    def __init__(self, values: Values, rows: Mapping[Data, Rows], files: Mapping[str, Outside], blobs: Blobs) -> None:
        self._values = values
        self._rows = rows
        self._files = files
        self._blobs = blobs

    def piece(self, argument: Any) -> Piece | None:
        """One argument."""
        if isinstance(argument, Reference):
            outputs = self._values.get(argument.node)
            return outputs[argument.place] if outputs is not None else None
        if isinstance(argument, Data):
            return self._rows[argument]
        if isinstance(argument, File):
            return self._files[argument.path]
        if isinstance(argument, Several):
            return Many.of([self.piece(each) for each in argument.items])
        return constant(argument)

    def whole(self, node: Node) -> dict[str, Piece | None]:
        """The arguments of a node that is called once."""
        return {name: self.piece(argument) for name, argument in node.arguments.items()}

    def elements(self, node: Node) -> tuple[int, Iterator[dict[str, Piece | None] | None]]:
        """How many elements a map has, and the arguments of each as they are asked for.

        None stands for an element that lacks what an earlier one should have given. Raises `InputError` for lists of
        several lengths.
        """
        shared = {name: self.piece(node.arguments[name]) for name in node.arguments if name not in node.spread}
        lists = {name: self.items(node, name) for name in sorted(node.spread)}
        lengths = {name: len(items) for name, items in lists.items()}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{name} has {count:,}" for name, count in lengths.items())
            raise InputError(f"the lists that {node.name} goes through differ in length: {shown}",
                             next="give each element all that it takes")  # fmt: skip
        return next(iter(lengths.values())), (
            None if None in each else shared | dict(zip(lists, each, strict=True))
            for each in zip(*lists.values(), strict=True)
        )

    def items(self, node: Node, name: str) -> list[Piece | None]:
        """The items of a list among a node's arguments. Raises `InputError` for what is no list."""
        argument = node.arguments[name]
        if isinstance(argument, Several):  # what the whole list is in a key, nobody asks
            return [self.piece(each) for each in argument.items]
        piece = self.piece(argument)
        if isinstance(piece, Many):
            return list(piece.items)
        if isinstance(piece, Plain) and isinstance(piece.value, (list, tuple)):
            return [Plain(each) for each in piece.value]
        if isinstance(piece, Held) and piece.format == "value":
            items = value.items(self._bytes(piece))
            if items is not None:
                of = piece.digest if piece.of is None else piece.of
                return [Held("value", hashlib.sha256(each).hexdigest(), len(each), each, of=of) for each in items]
        shown = piece.format if isinstance(piece, Held) else "nothing" if piece is None else "one value"
        raise InputError(f"{node.name} is to go through {name or 'a list'}, which is no list but {shown}",
                         next="give it the output of a step that returns a list")  # fmt: skip

    def folded(self, node: Node) -> list[Piece]:
        """The values that a reduction folds. Raises `InputError` where there is none."""
        values = [each for each in self.items(node, "") if each is not None]
        if not values:
            raise InputError(f"{node.name}.reduce is given an empty list", next="give it a list of at least one value")
        return values

    def beside(self, node: Node) -> dict[str, Piece | None]:
        """What each fold of a reduction is given beside the two values."""
        return {name: self.piece(value) for name, value in node.arguments.items() if name}

    def load(self, piece: Held) -> Any:
        """The value of an artifact, a plain one: none of the user's code runs. Raises `InputError` for any other."""
        if piece.format == "value":
            return value.read(self._bytes(piece))
        with tempfile.TemporaryDirectory(prefix="argosy-") as scratch:
            source = format.Source(piece.slot, self._blobs, Path(scratch), piece.data)
            return format.named(piece.format).load(source, Any)

    def taken(self, node: Node) -> Any:
        """The argument of the branch that a choice takes."""
        return node.arguments["then" if self.holds(self.piece(node.arguments["condition"])) else "otherwise"]

    def _bytes(self, piece: Held) -> bytes:
        return format.Source(piece.slot, self._blobs, Path(), piece.data).bytes()

    def holds(self, piece: Piece | None) -> bool:
        """Whether a value is true, as Python has it. Raises `InputError` for one of which that cannot be said."""
        if isinstance(piece, Plain):
            return bool(piece.value)
        if isinstance(piece, Many):
            return bool(piece.items)
        if isinstance(piece, Held) and piece.format in ("value", "array"):
            found = self.load(piece)
            if piece.format == "value" or found.ndim == 0:
                return bool(found)
        shown = piece.format if isinstance(piece, Held) else "dataset" if isinstance(piece, Rows) else "file"
        raise InputError(
            f"a condition is a {shown}, which is neither true nor false", next="let its step return a bool"
        )
