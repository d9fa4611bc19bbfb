"""In what the code of two bundles differs: their modules, line by line."""

from __future__ import annotations

import difflib

from argosy.controller import bundle as bundling
from argosy.store.blobs import Blobs
from argosy.store.bundles import Bundle

_LARGEST = 200_000
"""Bytes of a module up to which its lines are compared."""


def between(blobs: Blobs, one: Bundle, two: Bundle, most: int = 2000) -> list[str]:
    """At most `most` lines of a unified diff from the one to the other; of what is large or no text only that it
    differs. Raises UnknownError where an archive is not there."""
    names = sorted(n for n in {*one.modules, *two.modules} if one.modules.get(n) != two.modules.get(n))
    before, after = bundling.read(blobs, one.digest, names), bundling.read(blobs, two.digest, names)
    found: list[str] = []
    for name in names:
        if len(found) < most:
            found += _lines(name, before.get(name), after.get(name))
    return found[:most]


def _lines(name: str, one: bytes | None, two: bytes | None) -> list[str]:
    texts = [_text(one), _text(two)]
    if texts[0] is None or texts[1] is None:
        return [f"{name}: other content, of {len(one or b''):,} and {len(two or b''):,} bytes"]
    old, new = (f"{side}/{name}" if data is not None else "nothing" for side, data in (("a", one), ("b", two)))
    return list(difflib.unified_diff(texts[0].splitlines(), texts[1].splitlines(), old, new, lineterm=""))


def _text(data: bytes | None) -> str | None:
    """A module as text; None for what is none, or too large."""
    if data is not None and len(data) > _LARGEST:
        return None
    try:
        return (data or b"").decode()
    except UnicodeDecodeError:
        return None
