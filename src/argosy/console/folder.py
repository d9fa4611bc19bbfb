"""The artifacts of a run as a tree: all of them where they are few, else what lies in one folder."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from argosy.store.tracking import files

MOST = 300
"""Files and folders that are listed."""


class Node(msgspec.Struct, frozen=True):
    """A file, or a folder (`bytes` is None) with what is known of its `inside`; `path` is below the run's root."""

    name: str
    path: str
    bytes: int | None = None
    inside: tuple[Node, ...] = ()


class Folder(msgspec.Struct, frozen=True):
    """What lies in the folder `path` ("" for the root); `more` says that entries are left out."""

    path: str
    nodes: tuple[Node, ...]
    more: bool = False


def read(conn: Connection, root: str, path: str = "") -> Folder:
    """The whole tree below a root where it has at most `MOST` files, else the folder that `path` is, or lies in."""
    found = files.below(conn, root, MOST + 1)
    if len(found) <= MOST:
        return Folder("", _nodes({name[len(root) + 1 :]: size for name, (_, size) in found.items()}))
    entries = files.listed(conn, f"{root}/{path}" if path else root, MOST + 1)
    if not entries and path:
        path = path.rpartition("/")[0]
        entries = files.listed(conn, f"{root}/{path}" if path else root, MOST + 1)
    above = f"{path}/" if path else ""
    nodes = tuple(Node(each.name, f"{above}{each.name}", each.bytes) for each in entries[:MOST])
    return Folder(path, nodes, len(entries) > MOST)


def _nodes(sizes: dict[str, int], above: str = "") -> tuple[Node, ...]:
    """Folders before files, each by name."""
    inside: dict[str, dict[str, int]] = {}
    plain = []
    for path, size in sizes.items():
        name, slash, rest = path.partition("/")
        if slash:
            inside.setdefault(name, {})[rest] = size
        else:
            plain.append(Node(name, f"{above}{name}", size))
    folders = [Node(name, f"{above}{name}", None, _nodes(each, f"{above}{name}/")) for name, each in inside.items()]
    return (*folders, *plain)
