"""Applications: each time that a project was applied, with the commit that its code was in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from argosy.store import schema
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE = schema.application


class NewApplication(Row, frozen=True, kw_only=True):
    """One to record; `git_commit` is None where the project is under no version control.

    `dirty` says that the commit does not hold the bundle's files as they were.
    """

    bundle: str
    project: str
    at: datetime
    actor: str
    git_commit: str | None = None
    dirty: bool = False

    @property
    def commit(self) -> str:
        """The commit in words, empty where there is none."""
        changes = " with changes" if self.dirty else ""
        return f"commit {self.git_commit[:10]}{changes}" if self.git_commit else ""


class Application(NewApplication, frozen=True, kw_only=True):
    """A recorded one."""

    id: int


def add(tx: Connection, applications: Sequence[NewApplication]) -> list[int]:
    """Record applications of bundles that are there."""
    return insert(tx, _TABLE, applications)


def latest(conn: Connection, project: str) -> Application | None:
    """A project's last one."""
    query = columns(_TABLE, Application).where(_TABLE.c.project == project).order_by(_TABLE.c.id.desc()).limit(1)
    return next(iter(fetch(conn, query, Application)), None)


def of(conn: Connection, bundles: Iterable[str]) -> dict[str, list[Application]]:
    """Those of each bundle, oldest first; one query. A bundle that was never applied has none."""
    query = columns(_TABLE, Application).where(among(_TABLE.c.bundle, bundles)).order_by(_TABLE.c.id)
    found: dict[str, list[Application]] = {}
    for each in fetch(conn, query, Application):
        found.setdefault(each.bundle, []).append(each)
    return found


def source(given: Sequence[Application], at: datetime) -> Application | None:
    """Of a bundle's applications, oldest first, the one whose commit to name for what ran at a time.

    A bundle is what it holds: every clean commit that it was applied from holds the very same code. So it is the last
    clean one until then, else the first one since, and only where there is none, whichever was in force. Once a
    clean one was named it stays: what is applied later takes the place of none but a dirty one.
    """
    before = [each for each in given if each.at <= at]
    clean = [each for each in given if each.git_commit is not None and not each.dirty]
    held = [each for each in clean if each.at <= at]
    return next(iter([*held[::-1], *clean, *before[::-1], *given]), None)
