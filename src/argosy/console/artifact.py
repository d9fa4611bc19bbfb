"""The page of an artifact: what it holds, who made it and who read it; and its bytes, to be kept as a file."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection

from argosy.console import links, preview
from argosy.console.page import Page
from argosy.console.preview import Preview
from argosy.controller import provenance, result
from argosy.controller.provenance import Maker
from argosy.errors import CapacityError, CorruptError, InputError, UnknownError
from argosy.pipelines.formats import report
from argosy.pipelines.formats.file import single
from argosy.spec.report import Report
from argosy.store import artifacts, calls
from argosy.store.artifacts import Artifact
from argosy.store.calls import Call
from argosy.store.store import Store

LARGEST = 2 << 30
"""Bytes of an artifact that is handed out."""
_CHUNK = 1 << 20
_ENDINGS = {"table": "arrow", "value": "msgpack", "report": "msgpack", "array": "npy", "file": "tar",
            "directory": "tar", "log": "txt"}  # fmt: skip
_UNSAFE = re.compile("[^A-Za-z0-9._-]")
_LONGEST = 200


class User(msgspec.Struct, frozen=True, kw_only=True):
    """An execution that made or read an artifact, and the page that shows it."""

    maker: Maker
    link: str


class Download(msgspec.Struct, frozen=True):
    """A file to keep; `name` may be a user's text."""

    name: str
    chunks: Iterator[bytes]

    @property
    def disposition(self) -> str:
        """The value of the header that names it: letters, digits and dots, and in their own part all others, quoted."""
        plain = _UNSAFE.sub("_", self.name)[:_LONGEST]
        whole = "" if plain == self.name else f"; filename*=UTF-8''{quote(self.name[:_LONGEST], '', errors='replace')}"
        return f'attachment; filename="{plain}"{whole}'


class ArtifactPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of an artifact shows; `more` says that not all who made or read it are named."""

    digest: str
    format: str
    bytes: int
    at: datetime
    preview: Preview
    made_by: tuple[User, ...]
    read_by: tuple[User, ...]
    more: bool
    download: str | None


def page(conn: Connection, store: Store, digest: str, now: datetime) -> Page:
    """The artifact of a digest, or the one that begins so. Raises UnknownError or UsageError."""
    data = read(conn, store, digest)
    return Page(
        f"Artifact {data.digest[:12]}", "artifact.html", data, now, here="runs",
        trail=(("runs", links.runs()), (f"artifact {data.digest[:12]}", None)),
        command=f"argosy describe artifact {data.digest[:12]}",
    )  # fmt: skip


def read(conn: Connection, store: Store, digest: str) -> ArtifactPage:
    """The snapshot of the page of an artifact."""
    kept = provenance.artifact(conn, digest)
    shown = preview.whole(store, msgspec.structs.replace(find(conn, kept.digest), body=kept.preview))
    served = calls.first(conn, [each.id for each in (*kept.made_by, *kept.read_by)])
    return ArtifactPage(
        digest=kept.digest, format=kept.format, bytes=kept.bytes, at=kept.at, preview=shown,
        made_by=tuple(_user(each, served.get(each.id)) for each in kept.made_by),
        read_by=tuple(_user(each, served.get(each.id)) for each in kept.read_by), more=kept.more,
        download=f"{links.artifact(kept.digest)}/content" if kept.bytes <= LARGEST else None,
    )  # fmt: skip


def find(conn: Connection, digest: str) -> Artifact:
    """The artifact of a digest. Raises UnknownError."""
    found = artifacts.get(conn, [digest]).get(digest)
    if found is None:
        raise UnknownError(f"there is no artifact {digest[:80]!r}", next="argosy get artifacts")
    return found


def download(store: Store, artifact: Artifact) -> Download:
    """An artifact as a file that other programs read: a report as a page, a value as JSON, a file under its own name.

    What is not as Argosy's formats write it, is too large to be turned, or has a format of its own within, comes as it
    lies in the store. Raises as `content` does.
    """
    whole = content(store, artifact)
    source = result.source(store.blobs, artifact, Path(tempfile.gettempdir()))
    with contextlib.suppress(CorruptError, InputError, UnicodeDecodeError):
        if artifact.kind == "file":
            name, file = single(source)
            return Download(name, iter(partial(file.read, _CHUNK), b""))
        if artifact.kind == "value" and artifact.bytes <= preview.LARGEST:
            return Download(f"{artifact.digest[:12]}.json", iter((result.json([source]).encode(),)))
        if parts := preview.parts(store, artifact):
            return Download(f"{artifact.digest[:12]}.html", iter((report.page(Report(parts)).encode(),)))
    return Download(f"{artifact.digest[:12]}.{_ENDINGS.get(artifact.kind, 'bin')}", whole)


def content(store: Store, artifact: Artifact) -> Iterator[bytes]:
    """All its bytes, verified before the first is given. Raises CapacityError beyond `LARGEST`."""
    if artifact.bytes > LARGEST:
        raise CapacityError(
            f"artifact {artifact.digest[:12]} has {artifact.bytes:,} bytes, of which the console hands out at most "
            f"{LARGEST:,}", next=f"read {artifact.digest} in the blob store",
        )  # fmt: skip
    if artifact.data is not None or artifact.pack is not None:
        return iter((artifacts.content(store.blobs, artifact),))
    store.blobs.check(artifact.digest)
    return _chunks(store, artifact.digest)


def _chunks(store: Store, digest: str) -> Iterator[bytes]:
    with store.blobs.path(digest).open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _user(maker: Maker, call: Call | None) -> User:
    link = links.call(call) if call is not None else links.lineage("execution", str(maker.id))
    return User(maker=maker, link=link)
