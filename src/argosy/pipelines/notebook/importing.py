"""The imports of a notebook as the head of a module: each once, in sections, sorted."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from argosy.errors import InputError
from argosy.pipelines.notebook.cell import Cell
from argosy.pipelines.notebook.layout import listed
from argosy.pipelines.notebook.statement import Statement


class Import(NamedTuple):
    """One imported thing: `import module`, or `from module import name`; `alias` is the name after `as`, if any."""

    module: str
    name: str = ""
    alias: str = ""
    level: int = 0

    @property
    def bound(self) -> str:
        """The name that it binds."""
        return self.alias or self.name or self.module.partition(".")[0]


def imports(statements: Iterable[Statement]) -> list[Import]:
    """What statements import, each once. Raises InputError where one name stands for two things."""
    found: dict[Import, Cell] = {}
    bound: dict[str, Import] = {}
    for statement in statements:
        for each in _imports(statement.node):
            other = bound.setdefault(each.bound, each)
            if other != each and (other.name or other.alias or each.name or each.alias):
                raise InputError(
                    f"{found[other].number_only} and {statement.cell.number_only} both import {each.bound}: "
                    f"{_shown(other)}, {_shown(each)}",
                    next="import one of them under another name",
                )
            found.setdefault(each, statement.cell)
    return list(found)


def written(wanted: Collection[Import], unused: Collection[Import], beside: Collection[str]) -> list[str]:
    """The lines of imports; `unused` ones, which a linter would take off, are marked, and `beside` are own modules."""
    sections: dict[int, list[Import]] = {}
    for each in wanted:
        sections.setdefault(_section(each, beside), []).append(each)
    lines: list[str] = []
    for _, section in sorted(sections.items()):
        lines += [""] if lines else []
        for each in sorted((one for one in section if not one.name), key=lambda one: (_natural(one.module), one.alias)):
            lines.append(_shown(each) + ("  # noqa: F401" if each in unused else ""))
        lines += _froms([one for one in section if one.name], unused)
    return lines


def _froms(section: Collection[Import], unused: Collection[Import]) -> Iterator[str]:
    for module in sorted({each.module for each in section}, key=_natural):
        members = sorted((each for each in section if each.module == module), key=_member)
        plain = [each for each in members if not each.alias]
        groups = [plain, *([each] for each in members if each.alias)]
        for group in sorted((each for each in groups if each), key=lambda each: _member(each[0])):
            names = [f"{each.name} as {each.alias}" if each.alias else each.name for each in group]
            mark = "  # noqa: F401" if any(each in unused for each in group) else ""
            lines = listed(f"from {module} import ", names, "")
            if len(lines) > 1:
                lines = listed(f"from {module} import (", names, ")")
            yield from [lines[0] + mark, *lines[1:]]


def _imports(node: ast.stmt) -> Iterator[Import]:
    match node:
        case ast.Import(names):
            yield from (Import(each.name, "", each.asname or "") for each in names)
        case ast.ImportFrom(module, names, level):
            yield from (Import("." * level + (module or ""), each.name, each.asname or "") for each in names)


def _shown(each: Import) -> str:
    named = f" as {each.alias}" if each.alias else ""
    return f"from {each.module} import {each.name}{named}" if each.name else f"import {each.module}{named}"


def _section(each: Import, beside: Collection[str]) -> int:
    top = each.module.partition(".")[0]
    if top == "__future__":
        return 0
    if not top:
        return 4
    return 3 if top in beside else 1 if top in sys.stdlib_module_names else 2


def _member(each: Import) -> tuple[object, ...]:
    """Constants before classes before all else."""
    name = each.name
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    return (kind, _natural(name), each.alias)


def _natural(text: str) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|\D+", text.lower())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
