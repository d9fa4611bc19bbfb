"""The traceback of a call that failed, as far as it speaks of the project's own code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from argosy.spec import place

_HEAD = "Traceback (most recent call last):"
_FRAME = re.compile(r'  File "([^"]+)", line \d+')
_BUNDLE = re.compile(r'(?<=  File ")[^"]*/bundles/[0-9a-f]{64}/')
_OURS = re.compile(r"^argosy\.errors\.\w+: ", re.MULTILINE)


def told(traceback: str) -> str:
    """A traceback that begins where the project's code does, with paths from the project's root.

    It is whole where none of that code is in it, and empty where what Argosy has to say of a value needs none.
    """
    lines = traceback.splitlines(keepends=True)
    if not any(map(_is_own, lines)):
        return "" if _OURS.search(traceback) else traceback
    return _BUNDLE.sub("", "".join(_begun(lines)))


def _begun(lines: list[str]) -> Iterator[str]:
    """The lines without the frames before the first own one of each error; an error without any keeps them all."""
    skipping = False
    for number, line in enumerate(lines):
        skipping = skipping and line.startswith("  ") and not _is_own(line)
        if not skipping:
            yield line
        if line.rstrip() == _HEAD:
            skipping = _leads(lines, number + 1)


def _leads(lines: list[str], start: int) -> bool:
    """Whether the frames that begin at a line come to the project's own code."""
    for line in lines[start:]:
        if not line.startswith("  "):
            return False
        if _is_own(line):
            return True
    return False


def _is_own(line: str) -> bool:
    frame = _FRAME.match(line)
    return frame is not None and place.own(frame[1])
