"""What calls write while they are at work: each line is shown once, as it comes or when its call ends."""

from __future__ import annotations

from datetime import datetime

from argosy.store.underway import Underway


class Tail:
    """Remembers how much of what each call wrote was shown."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, int], tuple[datetime, int]] = {}

    def fresh(self, each: Underway) -> str:
        """The complete lines that a call wrote since the last look; what is no longer at hand is counted in one."""
        place = each.node, each.element
        began, shown = self._shown.get(place, (each.started_at, 0))
        if began != each.started_at:  # another attempt
            shown = 0
        first = each.written - len(each.tail)
        start = max(shown, first)
        text = each.tail[start - first :]
        text = text[: text.rfind(b"\n") + 1]
        if not text:
            return ""
        self._shown[place] = each.started_at, start + len(text)
        missed = (
            f"[{start - shown:,} bytes in between: they are in the log once the step ends]\n" if start > shown else ""
        )
        return missed + text.decode(errors="replace")

    def rest(self, node: str, element: int, data: bytes, lost: int) -> str:
        """What was not shown yet of the kept log of a call that ended, `lost` bytes of which are left out within."""
        _, shown = self._shown.pop((node, element), (None, 0))
        ends = len(data) + lost - (len(b"\n[%d bytes left out]\n" % lost) if lost else 0)
        return data[max(len(data) - max(ends - shown, 0), 0) :].decode(errors="replace")
