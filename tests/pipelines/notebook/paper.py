"""Notebooks put together cell by cell, run in order as Jupyter does, and as the module that is made of them."""

from __future__ import annotations

import ast
import copy
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from argosy.pipelines.notebook.cell import Notebook, read
from argosy.pipelines.notebook.module import module
from argosy.spec.step import Step

TEXT = "markdown"


def notebook(*cells: tuple[str, str], **metadata: Any) -> bytes:
    """A file in format 4; a cell is its tags, parted by commas, or TEXT, and its source."""
    made = [
        {"cell_type": "markdown", "metadata": {}, "source": source}
        if tags == TEXT
        else {
            "cell_type": "code", "execution_count": None, "outputs": [], "source": source.splitlines(keepends=True),
            "metadata": {"tags": tags.split(",")} if tags else {},
        }
        for tags, source in cells
    ]  # fmt: skip
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made}).encode()


def opened(place: Path, *cells: tuple[str, str], name: str = "late") -> Notebook:
    """The same, written to a file and read."""
    path = place / f"{name}.ipynb"
    path.write_bytes(notebook(*cells))
    return read(path)


def in_order(cells: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """The names after all cells of code ran in one process; `_` is what the last line shows."""
    names: dict[str, Any] = {}
    for tags, source in cells:
        if tags in (TEXT, "skip"):
            continue
        tree = ast.parse(source)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<cell>", "exec"), names)
        if isinstance(last, ast.Expr):
            names["_"] = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    return names


def imported(place: Path, made: Notebook, *, apart: bool = True) -> ModuleType:
    """The module of a notebook; its steps, kept `apart`, get and give copies, as from process to process."""
    written = module(made)
    path = place / f"{written.name}.py"
    path.write_text(written.text)
    spec = importlib.util.spec_from_file_location(written.name, path)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[written.name] = found
    spec.loader.exec_module(found)
    for name, each in list(vars(found).items()):
        if apart and isinstance(each, Step):
            setattr(found, name, _apart(each))
    return found


def _apart(step: Step[..., Any]) -> Callable[..., Any]:
    return lambda *given: copy.deepcopy(step(*copy.deepcopy(given)))
