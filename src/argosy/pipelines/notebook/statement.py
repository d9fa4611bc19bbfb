"""A cell's code as statements, each with its own text and comments; lines for IPython or the shell are taken off."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from typing import Final, NamedTuple

from argosy.errors import InputError
from argosy.pipelines.notebook.cell import Cell

_PYTHON_BELOW: Final = {"capture", "prun", "time", "timeit"}
"""Magics of a whole cell (`%%time`) that run what is below them as Python."""
_MAGIC = re.compile(r"\s*(?:[%!?]|[\w., ]+=\s*[%!])|.*\?\s*$")
_RETURNS = re.compile(r"#\s*returns:\s*(\w+(?:\s*,\s*\w+)*)\s*$")
_STRINGS: Final = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}  # 3.12 parts f-strings


class Statement(NamedTuple):
    """One statement of the top level of a cell: `above` are its comments, `gap` says that a blank line is before it.

    `text` begins at the left margin; a comment behind it is part of it.
    """

    node: ast.stmt
    cell: Cell
    text: str
    above: tuple[str, ...] = ()
    gap: bool = False

    def lines(self, indent: str = "") -> list[str]:
        """Comments and text below one another; the inside of a text over several lines stays where it is."""
        return [f"{indent}{line}" for line in self.above] + indented(self.text, indent)


class Body(NamedTuple):
    """What a cell holds: statements, the names in `# returns: a, b`, and the lines that no Python can run."""

    statements: tuple[Statement, ...]
    returns: tuple[str, ...]
    left: tuple[str, ...]


def body(cell: Cell) -> Body:
    """The statements of a cell. Raises InputError where it is no Python even without its magics."""
    tree, source, left = _parsed(cell)
    lines = source.split("\n")
    statements: list[Statement] = []
    returns: list[str] = []
    line, column = 0, 0  # where the statement before ends
    for node in tree.body:
        start = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))]) - 1
        between = lines[line + (column > 0) : start]
        above, named = _comments(between)
        returns += named
        line, column = (node.end_lineno or 1) - 1, node.end_col_offset or 0
        behind = _behind(lines[line], column)
        first = lines[start] if start < node.lineno - 1 else _from(lines[start], node.col_offset)
        whole = [first, *lines[start + 1 : line + 1]]
        cut = column - (node.col_offset if start == line else 0)
        whole[-1] = _until(whole[-1], cut) + (f"  {behind}" if behind else "")
        gap = bool(between) and not all(each.strip() for each in between)
        statements.append(Statement(node, cell, "\n".join(whole), above, gap))
    below, named = _comments(lines[line + (column > 0) :])
    if statements and below:
        statements[-1] = statements[-1]._replace(text="\n".join([statements[-1].text, *below]))
    return Body(tuple(statements), (*returns, *named), left)


def indented(text: str, indent: str) -> list[str]:
    """The lines of a piece of Python, further right; what is inside of texts stays as it is.

    Spaces at the end of a line and second blank lines in a row go.
    """
    inside = _inside(text)
    found: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if number in inside:
            found.append(line)
        elif line.strip():
            found.append(f"{indent}{line}" if number + 1 in inside else f"{indent}{line.rstrip()}")
        elif found and found[-1]:
            found.append("")
    return found


def _parsed(cell: Cell) -> tuple[ast.Module, str, tuple[str, ...]]:
    lines, left = cell.source.split("\n"), []
    head = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines[head].startswith("%%"):
        word = re.match(r"\w*", lines[head][2:])
        if word is None or word[0] not in _PYTHON_BELOW:
            return ast.Module([], []), "", (lines[head],)
        left, lines[head] = [lines[head]], ""
    while True:
        source = "\n".join(lines)
        try:
            with warnings.catch_warnings(action="ignore"):  # what a cell is warned of, its step is warned of, too
                tree = ast.parse(source)
                compile(tree, "<cell>", "exec", dont_inherit=True)
            return tree, source, tuple(left)
        except (SyntaxError, ValueError) as error:
            at = (getattr(error, "lineno", None) or 1) - 1
            if at < len(lines) and _MAGIC.match(lines[at]):
                left.append(lines[at].strip())
                _take_off(lines, at)
                continue
            raise InputError(
                f"{cell} is no Python: {getattr(error, 'msg', error)} in its line {at + 1}",
                next="mend the cell, or tag it skip",
            ) from None


def _take_off(lines: list[str], at: int) -> None:
    """Empty a line, and those that it goes on in; within a block something must stay."""
    while at + 1 < len(lines) and lines[at].endswith("\\"):
        lines[at + 1], lines[at] = f"{lines[at][: -len(lines[at].lstrip())]}{lines[at + 1].lstrip()}", ""
        at += 1
    lines[at] = f"{lines[at][: -len(lines[at].lstrip())]}pass" if lines[at][:1].isspace() else ""


def _comments(lines: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """The comments in lines between statements, and the names of those that say what is returned."""
    comments: list[str] = []
    named: list[str] = []
    for line in lines:
        found = _RETURNS.match(line.strip())
        if found:
            named += [each.strip() for each in found[1].split(",")]
        elif line.strip().startswith("#"):
            comments.append(line.strip())
    return tuple(comments), named


def _behind(line: str, column: int) -> str:
    """The comment behind a statement that ends in a column, if that is the last one of the line."""
    rest = line.encode()[column:].decode().lstrip(" \t;")
    return rest if rest.startswith("#") else ""


def _from(line: str, column: int) -> str:
    return line.encode()[column:].decode()


def _until(line: str, column: int) -> str:
    return line.encode()[:column].decode()


def _inside(text: str) -> set[int]:
    """The lines, from 1, that begin inside of a text."""
    return {number for start, end in _spans(text) for number in range(start + 1, end + 1)}


def _spans(text: str) -> Iterator[tuple[int, int]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in _STRINGS:
            yield token.start[0], token.end[0]
