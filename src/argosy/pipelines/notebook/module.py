"""A notebook written as a module: its imports, functions and constants, a function per step, and their pipeline."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from argosy.errors import InputError
from argosy.pipelines.notebook.cell import Notebook
from argosy.pipelines.notebook.contents import BUILTIN, Contents, contents
from argosy.pipelines.notebook.flow import flow
from argosy.pipelines.notebook.importing import Import, imports
from argosy.pipelines.notebook.importing import written as written_imports
from argosy.pipelines.notebook.layout import WIDTH, docstring, listed
from argosy.pipelines.notebook.statement import Statement, indented
from argosy.pipelines.notebook.step import Step, identifier
from argosy.pipelines.notebook.wiring import Wiring, wire

_ARGOSY: Final = Import("argosy", "", "ag")
_TYPING: Final = (Import("typing", "Annotated"), Import("typing", "Any"))
_INDENT: Final = "    "


class Module(NamedTuple):
    """A module's name and text, its pipeline, and what of the notebook is not in it, one sentence each."""

    name: str
    pipeline: str
    text: str
    notes: tuple[str, ...]


def module(notebook: Notebook, beside: Collection[str] = ()) -> Module:
    """Write the tagged cells of a notebook as a module. `beside` are the names of own modules where it will lie.

    Called as plain Python, its pipeline yields what the cells yield in order, where no step changes an object under two
    names. Raises InputError where the cells cannot be parted into functions, naming the cell and the name.
    """
    found = contents(notebook)
    if not found.portions:
        raise InputError(
            f"{notebook.name}.ipynb has no cell that is tagged step",
            next='tag the cells that work "step:NAME", those of imports "imports", those of settings "parameters"',
        )
    return _Writer(notebook, found, wire(found), beside).module()


class _Writer:
    def __init__(self, notebook: Notebook, found: Contents, wiring: Wiring, beside: Collection[str]) -> None:
        self._notebook, self._found, self._wiring, self._beside = notebook, found, wiring, beside
        code = [*found.top, *(one for step in wiring.steps for one in step.statements)]
        self._mentioned = {name for one in code for name in _identifiers(one.node)} | {
            name for each in found.parameters for name in _identifiers(ast.parse(f"{each.annotation}\n{each.default}"))
        }
        taken = {*found.known, *(self._mentioned & BUILTIN), "ag", "Annotated", "Any"}
        passed = {
            *taken,
            *(each.name for each in found.parameters),
            *(each for one in wiring.steps for each in one.gives),
        }
        self._functions = {step.name: _free(step.name, "_step", passed) for step in wiring.steps}
        stem = identifier(notebook.name) or "notebook"
        self._pipeline = _free(stem, "_pipeline", {*taken, *self._functions.values()})
        self._imports, self._notes = self._head()
        modules = {each.module.partition(".")[0] for each in self._imports} | sys.stdlib_module_names
        self._name = _free(self._pipeline, "_pipeline", modules)

    def module(self) -> Module:
        unused = [each for each in self._imports if each.bound not in self._mentioned and each.module != "__future__"]
        unused = [each for each in unused if each not in (_ARGOSY, *_TYPING)]
        title = self._notebook.title or self._pipeline
        blocks = [
            docstring("", title, f"Made from {self._notebook.name}.ipynb"),
            written_imports(self._imports, unused, self._beside),
        ]
        text = "\n\n".join("\n".join(block) for block in blocks) + "\n"
        text += self._top()
        text += "".join(f"\n\n{_joined(self._step(step))}" for step in self._wiring.steps)
        text += f"\n\n{_joined(self._flow())}"
        return Module(self._name, self._pipeline, text, (*self._found.notes, *self._notes, *self._wiring.notes))

    def _head(self) -> tuple[list[Import], list[str]]:
        """The imports of the module, and what is said of those that only cells needed that are left out."""
        given = imports(self._found.imports)
        dropped = {name for each in self._found.dropped for name in _known(each.source)}
        needless = [each for each in given if each.bound in dropped - self._mentioned]
        own = [_ARGOSY, *(_TYPING if any(len(step.gives) > 1 for step in self._wiring.steps) else ())]
        for each in given:
            clash = next((one for one in own if one.bound == each.bound and one != each), None)
            if clash is not None:
                raise InputError(
                    f"the notebook imports {each.module} as {clash.bound}, by which the module knows {clash.module}",
                    next="import it under another name",
                )
        ours = {one.bound for one in own}
        for one in self._found.top:
            for name in sorted(ours & flow([one.node]).binds):
                raise InputError(f"{one.cell} makes {name}, a name that the module needs", next="rename it")
        kept = [each for each in given if each not in needless]
        notes = [f"the import of {each.bound} is left out: only what is left out needs it" for each in needless]
        return list(dict.fromkeys([*kept, *own])), notes

    def _top(self) -> str:
        """Functions, classes and constants: two blank lines around the former."""
        text, before = "", None
        for one in self._found.top:
            wide = isinstance(one.node, _BLOCKS) or (before is not None and isinstance(before.node, _BLOCKS))
            close = before is not None and before.cell == one.cell and not one.gap
            text += "\n\n" if wide else "" if close else "\n"
            text += _joined(one.lines())
            before = one
        return text

    def _step(self, step: Step) -> list[str]:
        name = self._functions[step.name]
        types = {each.name: each.taken for each in self._found.parameters}
        artifacts = {given for each in self._wiring.steps for given in each.gives}
        taken = [each if each in artifacts else types.get(each, each) for each in step.takes]
        lines = ["@ag.step" if name == step.name else f'@ag.step(name="{step.name}")']
        lines += _signature(name, taken, [f'Annotated[Any, "{each}"]' for each in step.gives])
        lines += docstring(_INDENT, self._about(step))
        before: Statement | None = None
        for one in step.statements:
            block = isinstance(one.node, _BLOCKS) or (before is not None and isinstance(before.node, _BLOCKS))
            if block or (before is not None and (one.gap or before.cell != one.cell)):
                lines.append("")
            if one is step.value:
                text = indented(f"return {one.text}", _INDENT)
                lines += [*(f"{_INDENT}{comment}" for comment in one.above), *text]
            else:
                lines += one.lines(_INDENT)
            before = one
        lines += [""] if step.gives and before is not None and isinstance(before.node, _BLOCKS) else []
        return lines + (_returned(step.gives) if step.gives else [])

    def _flow(self) -> list[str]:
        """The pipeline: a call of each step, and what it returns."""
        lines = ["@ag.pipeline", *_signature(self._pipeline, [str(each) for each in self._found.parameters], [])]
        lines += docstring(_INDENT, self._notebook.title or f"The steps of {self._notebook.name}.ipynb")
        for step in self._wiring.steps:
            call = f"{self._functions[step.name]}("
            before = "return " if step.value else f"{', '.join(step.gives)} = " if step.gives else ""
            if step.gives and len(f"{_INDENT}{before}{call}") > WIDTH:
                lines += [f"{_INDENT}(", *(f"{_INDENT * 2}{name}," for name in step.gives)]
                before = ") = "
            lines += listed(f"{before}{call}", step.takes, ")", _INDENT)
        return lines + (_returned(self._wiring.returns) if self._wiring.returns else [])

    def _about(self, step: Step) -> str:
        headings = [portion.cell.heading for portion in step.portions if portion.cell.heading]
        numbers = [str(portion.cell.number) for portion in step.portions]
        cells = f"Cell {numbers[0]}" if len(numbers) == 1 else f"Cells {', '.join(numbers[:-1])} and {numbers[-1]}"
        return headings[0] if headings else f"{cells} of {self._notebook.name}.ipynb"


_BLOCKS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _signature(name: str, taken: Iterable[str], given: list[str]) -> list[str]:
    taken = list(taken)
    returned = f") -> tuple[{', '.join(given)}]:" if len(given) > 1 else "):"
    lines = listed(f"def {name}(", taken, returned)
    if len(given) > 1 and max(map(len, lines)) > WIDTH:
        head = listed(f"def {name}(", taken, ") -> tuple[")
        return [*head, *(f"{_INDENT}{each}," for each in given), "]:"]
    return lines


def _returned(names: Iterable[str]) -> list[str]:
    names = list(names)
    lines = listed("return ", names, "", _INDENT)
    return lines if len(lines) == 1 else listed("return (", names, ")", _INDENT)


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _free(name: str, suffix: str, taken: Collection[str]) -> str:
    """The name, with a suffix as often as it takes to be one that nothing else has."""
    while name in taken:
        name += suffix
    return name


def _identifiers(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _known(source: str) -> set[str]:
    try:
        return _identifiers(ast.parse(source))
    except SyntaxError:
        return set()
