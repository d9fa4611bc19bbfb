"""Files that clients put beside their runs and models: a path, and the artifact that lies there."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.errors import UnknownError, UsageError
from argosy.store import artifacts
from argosy.store.artifacts import Artifact
from argosy.store.codec import to_micros
from argosy.store.rows import execute, within
from argosy.store.tracking.changes import Hand

KIND = "file"
PACKAGES = "versions"
"""The folder of versions of members, whose files are made when they are asked for."""
INLINE = 16 * 1024
"""Bytes up to which a file lies in the store itself."""


class Entry(NamedTuple):
    """One entry of a folder: `bytes` is None for a folder."""

    name: str
    bytes: int | None


def put(tx: Connection, path: str, digest: str, size: int, hand: Hand, data: bytes | None = None) -> None:
    """Have an artifact lie at a path; whatever lay there lies there no more. `data` is given for a small one.

    Raises UsageError for a path of a package, and for one that has a file for a folder or is one: neither could be
    downloaded with the other.
    """
    if path.startswith(f"{PACKAGES}/"):
        raise UsageError(f"{path[:300]!r} is of a member's version, and made by Argosy", next="put it beside a run")
    _check_alone(tx, path)
    artifacts.add(tx, [Artifact(digest=digest, kind=KIND, bytes=size, at=hand.at, data=data)])
    _orphaned(tx, "path = ? AND digest <> ?", (path, digest), to_micros(hand.at))
    execute(
        tx,
        "INSERT INTO file (path, digest, at, actor) VALUES (?, ?, ?, ?) ON CONFLICT (path) DO UPDATE "
        "SET digest = excluded.digest, at = excluded.at, actor = excluded.actor",
        (path, digest, to_micros(hand.at), hand.actor),
    )


def expect(tx: Connection, digest: str, at: datetime) -> None:
    """Note bytes that are about to be written for a file: unless something needs them later, they go."""
    _note(tx, "VALUES (?, CAST(? AS BIGINT))", (digest, to_micros(at)))


def _check_alone(conn: Connection, path: str) -> None:
    """See that nothing lies below a path, nor on the way to it."""
    folders = [path[:place] for place, letter in enumerate(path) if letter == "/"]
    clause, bound = within(conn, "path", folders)
    sql = f"SELECT path FROM file WHERE (path >= ? AND path < ?) OR {clause} LIMIT 1"
    found = execute(conn, sql, (f"{path}/", f"{path}0", bound)).fetchone()
    if found is not None:
        raise UsageError(f"{path[:300]!r} cannot lie beside {found[0][:300]!r}", next="give it another name")


def get(conn: Connection, path: str) -> Artifact:
    """The artifact at a path. Raises UnknownError."""
    found = execute(conn, "SELECT digest FROM file WHERE path = ?", (path,)).fetchone()
    if found is None:
        raise UnknownError(f"there is no artifact {path[:300]!r}", next="list the folder")
    return artifacts.get(conn, [found[0]])[found[0]]


def listed(conn: Connection, folder: str, limit: int | None = None) -> list[Entry]:
    """What lies directly in a folder ("" for the root), by name; nothing for one that is not.

    With a `limit`, the first ones.
    """
    low, high = (f"{folder}/", f"{folder}0") if folder else ("", "\U0010ffff")
    found: list[Entry] = []
    sql = (
        "SELECT f.path, a.bytes FROM file f JOIN artifact a ON a.digest = f.digest "
        "WHERE f.path >= ? AND f.path < ? ORDER BY f.path LIMIT 1000"
    )
    while (limit is None or len(found) < limit) and (rows := execute(conn, sql, (low, high)).fetchall()):
        for path, size in rows:
            if path < low:
                continue
            name, slash, _ = path[len(folder) + 1 if folder else 0 :].partition("/")
            whole = f"{folder}/{name}" if folder else name
            found.append(Entry(name, None if slash else size))
            low = f"{whole}0" if slash else f"{path}\x01"  # past all that lies in it: no path holds such a character
            if slash:
                break
        else:
            low = f"{rows[-1][0]}\x01"
    return found[:limit]


def below(conn: Connection, folder: str, limit: int = -1) -> dict[str, tuple[str, int]]:
    """Digest and bytes of every file below a folder, by path; of the first ones where `limit` is not negative."""
    sql = (
        "SELECT f.path, f.digest, a.bytes FROM file f JOIN artifact a ON a.digest = f.digest "
        "WHERE f.path >= ? AND f.path < ? ORDER BY f.path"
    )
    sql += f" LIMIT {int(limit)}" if limit >= 0 else ""
    return {path: (digest, size) for path, digest, size in execute(conn, sql, (f"{folder}/", f"{folder}0"))}


def remove(tx: Connection, path: str, at: datetime) -> int:
    """Have nothing lie at a path nor below it; returns how many files there were; their bytes are
    collected later."""
    where, values = "path = ? OR (path >= ? AND path < ?)", (path, f"{path}/", f"{path}0")
    _orphaned(tx, where, values, to_micros(at))
    return int(execute(tx, f"DELETE FROM file WHERE {where}", values).rowcount)


def _orphaned(tx: Connection, where: str, values: tuple[object, ...], at: int | None) -> None:
    """Note the artifacts of some files, which are about to be of these no more."""
    _note(tx, f"SELECT DISTINCT digest, CAST(? AS BIGINT) FROM file WHERE {where}", (at, *values))


def _note(tx: Connection, which: str, values: tuple[object, ...]) -> None:
    execute(
        tx,
        f"INSERT INTO orphan (digest, at) {which} ON CONFLICT (digest) DO UPDATE SET at = excluded.at",
        values,
    )
