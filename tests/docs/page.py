"""A page of the docs as its code blocks, and what each block is for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FILE, BACKGROUND, OF = "file", "background", "of"

_FENCE = re.compile(r"^(```+)(.*)$")


class Block(NamedTuple):
    """A fenced block: its language, the words after it (`file=project.py`), its text, and the line where it opens."""

    language: str
    options: dict[str, str]
    text: str
    line: int


class Step(NamedTuple):
    """A command of a `console` block and what it is shown to print."""

    command: str
    shown: str


def pages() -> list[Path]:
    """Every page with words for users: README, docs, and the files that hosts show beside them."""
    return [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")] + sorted(DOCS.rglob("*.md"))


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page in order. Raises ValueError for one that is not closed."""
    found: list[Block] = []
    opened: tuple[str, str, int] | None = None
    lines: list[str] = []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None and fence:
            opened, lines = (fence[1], fence[2].strip(), number), []
        elif opened is not None and line.strip() == opened[0]:
            language, *words = opened[1].split()
            options = dict(word.partition("=")[::2] for word in words)
            found.append(Block(language, options, "\n".join(lines) + "\n", opened[2]))
            opened = None
        elif opened is not None:
            lines.append(line)
    if opened is not None:
        raise ValueError(f"{page.name}:{opened[2]}: the block is not closed")
    return found


def steps(text: str) -> list[Step]:
    """The commands of a `console` block (lines after `$ `, continued after `> `), each with the lines under it."""
    found: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:], ""))
        elif not found:
            raise ValueError(f"a console block begins with a command after '$ ', not with {line!r}")
        elif line.startswith("> ") and not found[-1].shown:
            found[-1] = Step(f"{found[-1].command}\n{line[2:]}", "")
        else:
            found[-1] = Step(found[-1].command, f"{found[-1].shown}{line}\n")
    return found


def prose(page: Path) -> str:
    """The page without its blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
