"""Whether requests should be sent to a server."""

from __future__ import annotations

import msgspec


class Readiness(msgspec.Struct, frozen=True):
    """`why` says why not, "" where it is `ready`.

    The routing picture was read anew `age` seconds ago. Where that is longer than it should be, because the store
    cannot be read, `stale_seconds` is as much: answers go on, by a picture that may no longer be right.
    """

    why: str = ""
    stale_seconds: float = 0.0
    age: float = 0.0

    @property
    def ready(self) -> bool:
        """Whether they should."""
        return not self.why

    def told(self) -> dict[str, object]:
        """It as JSON tells it: what there is nothing to say of is left out."""
        found: dict[str, object] = {"ready": self.ready}
        if self.why:
            found["why"] = self.why
        if self.stale_seconds:
            found["stale_seconds"] = self.stale_seconds
        return found
