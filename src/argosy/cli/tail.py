"""What calls write while they are at work: each line is shown once, as it comes or when its call ends."""

from __future__ import annotations

from datetime import datetime

from argosy.engine import log
from argosy.store.underway import Underway


class Tail:
    """Remembers how much of what each call wrote was shown, and what last."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, int], tuple[datetime, int, bytes]] = {}

    def fresh(self, each: Underway) -> str:
        """The complete lines that a call wrote since the last look; what is no longer at hand is counted in one."""
        place = each.node, each.element
        began, shown, _ = self._shown.get(place, (each.started_at, 0, b""))
        if began != each.started_at:  # another attempt
            shown = 0
        first = each.written - len(each.tail)
        start = max(shown, first)
        text = each.tail[start - first :]
        text = text[: text.rfind(b"\n") + 1]
        if not text:
            return ""
        self._shown[place] = each.started_at, start + len(text), text
        missed = ""
        if start > shown:
            missed = f"[{start - shown:,} bytes in between: what is kept of them is in the log once the step ends]\n"
        return missed + text.decode(errors="replace")

    def rest(self, node: str, element: int, kept: bytes) -> str:
        """What was not shown yet of the log of a call that ended; all of it where an earlier attempt was shown."""
        _, shown, last = self._shown.pop((node, element), (None, 0, b""))
        if kept[max(shown - len(last), 0) : shown] != last and not log.lost(kept):
            shown = 0
        return log.after(kept, shown).decode(errors="replace")
