"""What the steps of a notebook hand one another, by the flow of names."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from argosy.errors import InputError
from argosy.pipelines.notebook import cell
from argosy.pipelines.notebook.cell import Cell
from argosy.pipelines.notebook.contents import BUILTIN, Contents, is_function
from argosy.pipelines.notebook.effect import Effect, effect
from argosy.pipelines.notebook.flow import flow
from argosy.pipelines.notebook.step import Step, joined
from argosy.spec.change import Names, changing, shared


class Wiring(NamedTuple):
    """Steps in order, and the names that the pipeline returns; without any, the last step may have a `value`.

    `notes` tell of what steps may come to see differently from what the cells do.
    """

    steps: tuple[Step, ...]
    returns: tuple[str, ...]
    notes: tuple[str, ...]


class _Reading(NamedTuple):
    """A step's effect, and the artifacts and parameters that it reads and that are there before it."""

    step: Step
    effect: Effect
    reads: Names
    before: Names


def wire(found: Contents) -> Wiring:
    """Join cells to steps, and find what each takes and gives.

    Raises InputError where a name is read that nothing makes, where cells of one name cannot be one function because of
    what is done between them, and where a step changes what belongs to the module or to the next run.
    """
    return _Wire(found).wiring()


class _Wire:
    def __init__(self, found: Contents) -> None:
        self._found = found
        self._functions = changing(one.node for one in found.top)
        self._parameters = [each.name for each in found.parameters]

    def wiring(self) -> Wiring:
        self._check_top()
        steps = joined(self._found.portions, self._functions)
        returns = tuple(dict.fromkeys(name for name, _ in self._found.returns))
        value = None
        if not returns and steps:
            returns, value = steps[-1].result()
        readings, made = self._forward([each.plain(value) for each in steps])
        for name in returns:
            if name not in made:
                asked = (each for wanted, each in self._found.returns if wanted == name)
                raise self._missing(name, next(asked, steps[-1].portions[-1].cell))
        wired = self._backward(readings, returns)
        if value is not None:
            wired[-1] = wired[-1]._replace(value=value)
        kept = tuple(each for each in wired if each.statements)
        return Wiring(kept, returns, tuple(self._apart(readings, wired, returns)))

    def _forward(self, steps: Iterable[Step]) -> tuple[list[_Reading], Names]:
        """What each step reads, and all names that are there at the end."""
        made = frozenset(self._parameters)
        readings = []
        for step in steps:
            done = effect(step.statements, self._functions)
            for name in sorted(done.flow.reads - made - done.flow.binds - self._found.known - BUILTIN):
                raise self._missing(name, _reader(step, name))
            self._check_changes(step, done, made)
            readings.append(_Reading(step, done, done.flow.reads & made, made))
            made = (made | done.flow.binds) - done.flow.gone
        return readings, made

    def _backward(self, readings: Sequence[_Reading], returns: Iterable[str]) -> list[Step]:
        """Each step with what it takes, and with what it gives because a later one or the end needs it."""
        needed = frozenset(returns)
        wired: list[Step] = []
        for step, done, reads, before in reversed(readings):
            gives = ((done.flow.binds - done.flow.gone) | (done.changes & reads)) & needed
            takes = reads | ((gives - done.flow.sure) & before)
            self._check_functions(step, gives)
            needed = (needed - gives) | takes
            order = step.order
            first = sorted(takes - {*self._parameters}, key=lambda name: (order.get(name, 0), name))
            then = [name for name in self._parameters if name in takes]
            given = sorted(gives, key=lambda name: (order.get(name, 0), name))
            wired.append(step._replace(takes=(*first, *then), gives=tuple(given)))
        return wired[::-1]

    def _apart(self, readings: Sequence[_Reading], steps: Sequence[Step], returns: Iterable[str]) -> Iterator[str]:
        """A sentence for each name that a step changes while a later one reads its object by another name."""
        pairs: set[tuple[str, str]] = set()
        for place, reading in enumerate(readings):
            changes = reading.effect.changes & reading.reads
            linked = {(name, other) for pair in pairs for name, other in (pair, pair[::-1]) if name in changes}
            later = {name for each in steps[place + 1 :] for name in each.takes} | {*returns}
            for name, other in sorted(linked):
                if other in later and other not in changes | reading.effect.flow.binds:
                    yield (
                        f"{_reader(reading.step, name)} changes {name}, which may share an object with {other}: "
                        f"steps after it see {other} as it was"
                    )
            pairs = {pair for pair in pairs if not reading.effect.flow.binds & {*pair}}
            pairs |= shared(one.node for one in reading.step.statements)

    def _check_top(self) -> None:
        """Refuse a top level that reads what only a step or the pipeline has, or has the name of a parameter."""
        for one in self._found.top:
            for name in sorted(flow([one.node]).reads - self._found.known - BUILTIN):
                raise self._missing(name, one.cell)
        for name in sorted(self._found.known.intersection(self._parameters)):
            raise InputError(
                f"{name} is a parameter, and a name of the top of the module, too", next="rename one of the two"
            )

    def _check_changes(self, step: Step, done: Effect, made: Names) -> None:
        """Refuse a step that changes what the module or a default holds once for all."""
        fixed = {name for one in self._found.top if not is_function(one.node) for name in flow([one.node]).binds}
        changes = ((done.flow.reads & done.flow.binds & self._found.known) | (done.changes & fixed)) - made
        for name in sorted(changes):
            raise InputError(
                f"{_reader(step, name)} changes {name}, which is made at the top of the module, where other steps "
                "would not see it",
                next=f"tag the cell that makes {name} as a step, or use another name here",
            )
        lasting = {each.name for each in self._found.parameters if each.default[0] in "[{"}
        for name in sorted(done.changes & (lasting - done.flow.binds)):
            raise InputError(
                f"{_reader(step, name)} changes the parameter {name} in place, and with it the default of the next run",
                next=f"copy it first: {name} = {name}.copy()",
            )

    def _check_functions(self, step: Step, gives: Names) -> None:
        """Refuse a function that another step needs and that could not go to the top: no artifact can hold it."""
        for one in step.statements:
            own = flow([one.node])
            if is_function(one.node) and own.binds & gives:
                reads = ", ".join(sorted(own.reads - own.binds - self._found.known - BUILTIN))
                raise InputError(
                    f"{one.cell} defines {min(own.binds)}, which another step uses and which reads {reads or 'itself'} "
                    "of its own step; a function is no artifact",
                    next="hand that over as an argument",
                )

    def _missing(self, name: str, where: Cell) -> InputError:
        """The error for a name that is read where nothing makes it."""
        dropped = next((each for each in self._found.dropped if _binds(each, name)), None)
        owned = name in self._parameters or any(
            name in effect(each.statements, {}).flow.binds for each in self._found.portions
        )
        said, then = "which nothing before it makes", "make or import it in a tagged cell, or tag this one skip"
        if dropped is not None:
            said, then = f"which {dropped} makes, and that is left out", f"tag {dropped.number_only}, e.g. step:NAME"
        elif where.role != cell.STEP and owned:
            said, then = "which belongs to the pipeline, not to the module", f"hand {name} over as an argument"
        elif name in {"display", "get_ipython"}:
            said, then = "which only IPython knows", "leave that out, or tag the cell skip"
        return InputError(f"{where} reads {name}, {said}", next=then)


def _reader(step: Step, name: str) -> Cell:
    """The first cell of a step that reads or changes a name."""
    return next(one.cell for one in step.statements if name in flow([one.node]).reads)


def _binds(each: Cell, name: str) -> bool:
    try:
        return name in flow(ast.parse(each.source).body).binds
    except SyntaxError:
        return False
