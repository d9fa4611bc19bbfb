"""A work inside a session, and what has become of it so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argosy.engine.contract import Work

if TYPE_CHECKING:
    from argosy.engine.backlog import Lane


class Job:
    """One open work. Made when it is submitted, forgotten when its result is there."""

    __slots__ = ("charged", "killed", "lane", "starts", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.lane: Lane | None = None  # where it waits with its like; none for a work that is always alone
        self.starts = 0  # attempts that came to an end, whatever end
        self.charged = 0  # failures that count against its retries
        self.killed = 0  # attempts whose worker was killed from outside
