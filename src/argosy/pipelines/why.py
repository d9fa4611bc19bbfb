"""Why a call is executed: what of its key is other than it was, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN = 60


def changes(
    before: Mapping[str, Any], now: Mapping[str, Any], told_before: Mapping[str, Any], told_now: Mapping[str, Any]
) -> list[str]:
    """How two calls of a step differ: by their recipes and by their arguments, both as runs record them.

    Empty exactly where their keys are the same, but for calls that are never used again.
    """
    found = [f"code of {name}: {how}" for name, how in _differences(before.get("parts", {}), now.get("parts", {}))]
    if before.get("interface") != now.get("interface"):
        found.append("annotations: changed")
    for name, how in _versions(before.get("libraries", {}), now.get("libraries", {})):
        found.append(f"library {name}: {how}")
    for name, how in _differences(before.get("variables", {}), now.get("variables", {})):
        found.append(f"environment variable {name}: {how}")
    found += _arguments(told_before, told_now)
    return found


def _arguments(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    found = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old is None or new is None:
            found.append(f"argument {name}: {'new' if old is None else 'gone'}")
        elif "value" in old and "value" in new:
            if old["value"] != new["value"]:
                found.append(f"argument {name}: {_short(old['value'])} -> {_short(new['value'])}")
        elif old.get("content") != new.get("content"):
            origin = f", from {new['from']}," if new.get("from") else ""
            found.append(f"input {name}{origin} has other content")
    return found


def _differences(before: Mapping[str, str | None], now: Mapping[str, str | None]) -> list[tuple[str, str]]:
    names = sorted({*before, *now})
    words = {name: "new" if name not in before else "gone" if name not in now else "changed" for name in names}
    return [(name, words[name]) for name in names if before.get(name) != now.get(name)]


def _versions(before: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        (name, f"{before.get(name) or 'none'} -> {now.get(name) or 'none'}")
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
