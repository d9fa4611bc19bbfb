"""A notebook's file with values for its parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from argosy.errors import InputError
from argosy.pipelines.notebook.cell import PARAMETERS, Cell, Notebook
from argosy.pipelines.notebook.flow import flow
from argosy.pipelines.notebook.statement import body

_TAG: Final = "injected-parameters"


class Injection(NamedTuple):
    """The JSON of a file, and the number of each of its cells in the notebook: 0 for the one that was put in."""

    content: dict[str, Any]
    numbers: tuple[int, ...]


def injection(notebook: Notebook, content: Mapping[str, Any], parameters: Mapping[str, Any]) -> Injection:
    """Put a cell that sets `parameters` after the last one that is tagged parameters, in place of one put in before.

    Raises InputError for a parameter that no such cell assigns, and for a value that is not plain.
    """
    tagged = [cell for cell in notebook.cells if cell.role == PARAMETERS and _TAG not in cell.tags]
    if parameters:
        _check(notebook.name, [name for cell in tagged for name in _assigned(cell)], parameters)
    identified = content.get("nbformat_minor", 0) >= 5
    cells: list[dict[str, Any]] = []
    numbers: list[int] = []
    for number, each in enumerate(content["cells"], 1):
        if _TAG not in each.get("metadata", {}).get("tags", ()):
            cells.append({"metadata": {}, **({"id": f"cell-{number}"} if identified else {}), **each})
            numbers.append(number)
    if parameters:
        place = numbers.index(tagged[-1].number) + 1
        lines = [f"{name} = {_literal(notebook.name, name, value)}" for name, value in parameters.items()]
        cells.insert(place, _cell("\n".join(["# Parameters", *lines]), identified=identified))
        numbers.insert(place, 0)
    return Injection({**content, "cells": cells}, tuple(numbers))


def _assigned(cell: Cell) -> list[str]:
    return sorted(flow(one.node for one in body(cell).statements).binds)


def _check(name: str, known: list[str], parameters: Mapping[str, Any]) -> None:
    unknown = next((each for each in parameters if each not in known), None)
    if unknown is not None:
        has = f"it has {', '.join(known)}" if known else "no cell that is tagged parameters assigns any"
        raise InputError(f"{name}.ipynb has no parameter {unknown!r}: {has}", next="assign it in a cell with that tag")


def _cell(source: str, *, identified: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": [_TAG]},
        "outputs": [],
        "source": source,
    }
    return {**made, "id": _TAG} if identified else made


def _literal(notebook: str, name: str, value: Any) -> str:
    """A plain value as Python text."""
    match value:
        case float() if not math.isfinite(value):
            return f'float("{value}")'
        case None | bool() | int() | float() | str():
            return repr(value)
        case list():
            return f"[{', '.join(_literal(notebook, name, each) for each in value)}]"
        case tuple():
            return f"({''.join(f'{_literal(notebook, name, each)}, ' for each in value).rstrip()})"
        case dict():
            pairs = ((_literal(notebook, name, key), _literal(notebook, name, each)) for key, each in value.items())
            return f"{{{', '.join(f'{key}: {each}' for key, each in pairs)}}}"
    raise InputError(
        f"{notebook}.ipynb: parameter {name} is a {type(value).__name__}, and no plain value",
        next="hand over a number, text, list or dict, or the path of a file",
    )
