"""The file of a notebook, and what its cells are for."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from argosy.errors import InputError, UnknownError

IMPORTS, PARAMETERS, SKIP, STEP, UNTAGGED = "imports", "parameters", "skip", "step", ""
_ROLES: Final = {
    "imports": IMPORTS, "parameters": PARAMETERS, "injected-parameters": PARAMETERS, "skip": SKIP, "step": STEP,
}  # fmt: skip
_HEADING = re.compile(r"^#{1,6}\s+(.*?)[\s#]*$", re.MULTILINE)
_EMPHASIS = re.compile(r"[*`]|(?<!\w)_|_(?!\w)")


class Cell(NamedTuple):
    """A cell of code. `number` counts all cells of the notebook from 1.

    `role` is one of IMPORTS, PARAMETERS, SKIP, STEP and UNTAGGED; `step` the name that its tag gives, if any; `heading`
    the last one of the text since the cell of code before.
    """

    number: int
    source: str
    tags: tuple[str, ...] = ()
    role: str = UNTAGGED
    step: str = ""
    heading: str = ""

    def __str__(self) -> str:
        first = next((line.strip() for line in self.source.splitlines() if line.strip()), "")
        return f"cell {self.number} ({first if len(first) <= 60 else f'{first[:59]}…'})" if first else self.number_only

    @property
    def number_only(self) -> str:
        """The cell without its first line, for messages that name a line of their own."""
        return f"cell {self.number}"


class Notebook(NamedTuple):
    """Cells of code in order; the title is the first heading of the text."""

    name: str
    title: str
    cells: tuple[Cell, ...]


class _Cell(msgspec.Struct):
    cell_type: str
    source: str | list[str]
    metadata: dict[str, Any] = {}


class _File(msgspec.Struct):
    nbformat: int
    cells: list[_Cell] = []
    metadata: dict[str, Any] = {}


def read(path: Path) -> Notebook:
    """The notebook of a file in format 4.

    Raises UnknownError where there is no such file; InputError for one that holds something else, is in another format
    or language, or has a cell whose tags contradict one another.
    """
    file = _decoded(path)
    cells: list[Cell] = []
    title = heading = ""
    for number, each in enumerate(file.cells, 1):
        source = each.source if isinstance(each.source, str) else "".join(each.source)
        source = source.replace("\r\n", "\n")
        if each.cell_type == "markdown":
            found = [_EMPHASIS.sub("", text) for text in _HEADING.findall(source)]
            title, heading = title or next(iter(found), ""), found[-1] if found else heading
        elif each.cell_type == "code":
            if source.strip():
                cells.append(_cell(path, number, source, each.metadata, heading))
            heading = ""
    return Notebook(path.stem, title, tuple(cells))


def _decoded(path: Path) -> _File:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnknownError(
            f"notebook {str(path)!r} cannot be read: {error.strerror}", next="name a .ipynb file"
        ) from None
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is no Jupyter notebook: {error}", next="name a .ipynb file") from None
    if file.nbformat != 4:
        raise InputError(
            f"{path.name} is in notebook format {file.nbformat}; 4 can be read",
            next="save it anew in Jupyter, or jupyter nbconvert --to notebook --nbformat 4",
        )
    told = [file.metadata.get("kernelspec"), file.metadata.get("language_info")]
    languages = [each.get(key) for each, key in zip(told, ("language", "name"), strict=True) if isinstance(each, dict)]
    foreign = [each for each in languages if each not in (None, "python", "ipython")]
    if foreign:
        raise InputError(f"{path.name} is written in {foreign[0]}; steps are Python", next="name a Python notebook")
    return file


def _cell(path: Path, number: int, source: str, metadata: dict[str, Any], heading: str) -> Cell:
    given = metadata.get("tags")
    tags = tuple(tag for tag in given if isinstance(tag, str)) if isinstance(given, list) else ()
    parts = [tag.partition(":") for tag in tags]
    for kind, colon, name in parts:
        if kind not in _ROLES and (near := get_close_matches(kind, _ROLES, 1, 0.8)):
            raise InputError(
                f"{path.name}: cell {number} is tagged {kind}{colon}{name}, which says nothing of what it is for",
                next=f"tag it {near[0]}{colon}{name}, if that is meant, or rename the tag",
            )
    roles = {(_ROLES[kind], name.strip()) for kind, _, name in parts if kind in _ROLES}
    if len(roles) > 1 or any(name and kind != STEP for kind, name in roles) or "step:" in tags:
        raise InputError(
            f"{path.name}: cell {number} is tagged {', '.join(tags)}; one of imports, parameters, step, step:NAME and "
            "skip may be",
            next="leave one of them",
        )
    role, step = next(iter(roles), (UNTAGGED, ""))
    return Cell(number, source, tags, role, step, heading)
