"""Where versions of registered models come from: a source is taken only from whom it belongs to.

A source names files of a run, of a logged model or of another version, each of which the request must name as well, or
a store elsewhere. This server keeps no local directories for clients, so paths of a file system are never a source;
addresses of whatever server somebody names are none either.
"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple
from urllib.parse import SplitResult, unquote_plus, urlsplit

from sqlalchemy import Connection

from argosy.errors import UnknownError, UsageError
from argosy.protocols.mlflow import artifacts, limit, registry, wire
from argosy.protocols.mlflow import logged as of_models
from argosy.protocols.mlflow.fault import INVALID, Fault
from argosy.store.models import logged
from argosy.store.models.logged import Logged
from argosy.store.tracking import runs

LONGEST = 2048
PROMPTS = frozenset({"dummy-source", "prompt-template"})
"""What clients name as the source of a prompt, whose text is a tag."""
_HOSTS = frozenset({"http", "https", "ftp", "sftp"})
_OWN = "mlflow-artifacts"
_MODEL = re.compile(r"m-[^/@]+")
_BAD = re.compile(r"[\x00-\x1f\x7f\\]")


class Origin(NamedTuple):
    """A source, where the files lie that it names, and the run and the logged model that made them."""

    source: str
    location: str | None = None
    run: str | None = None
    logged: str | None = None


def of(conn: Connection, source: str, run: str | None, model: str | None, *, prompt: bool = False) -> Origin:
    """The origin that a request names. Raises Fault for a source that does not belong to `run` or to `model`."""
    limit.length(source, LONGEST, "source")
    if prompt:
        if source not in PROMPTS:
            raise _wrong(source, "Prompt sources must use an MLflow placeholder.")
        return Origin(source)
    parts = _split(source)
    if parts.scheme == "models" and not _MODEL.fullmatch(parts.path.removeprefix("/")):
        return _copied(conn, source, run, model)
    made = _logged(conn, model)
    origin = Origin(source, None, run or (made.run if made else None) or None, model or None)
    if parts.scheme == "models":
        if made is None or parts.path != f"/{made.model}":
            raise _foreign(source, "model_id")
        return origin._replace(location=of_models.location(conn, made))
    if parts.scheme == "runs":
        return origin._replace(location=_of_run(conn, source, parts, run, model))
    if parts.scheme == _OWN:
        _inside(conn, source, run, made, "model_id" if model else "run_id")
    return origin


def _split(source: str) -> SplitResult:
    """The parts of a source. Raises Fault for a path of a file system, and for one that leads out of where it lies."""
    plain = source
    while (unquoted := unquote_plus(plain)) != plain:
        plain = unquoted
    try:
        parts, open = urlsplit(source), urlsplit(plain)
    except ValueError:
        raise _wrong(source, "It is no URI.") from None
    scheme = parts.scheme.lower()
    if len(scheme) < 2 or scheme == "file":
        raise _wrong(
            source,
            "This server keeps no local path as a source: give the URI that the run or the logged model says its "
            "artifacts lie at.",
        )
    path = re.sub(r"/+", "/", open.path.rstrip("/"))
    if _BAD.search(plain) or ".." in plain.split("/") or not path.startswith("/") or posixpath.normpath(path) != path:
        raise _wrong(source, "Give an absolute path, without '..', '.' or control characters in any encoding.")
    if scheme in _HOSTS or (parts.netloc and scheme in (_OWN, "runs", "models")):
        raise _wrong(source, f"It cannot name a host with scheme {scheme!r}: register files that this server keeps.")
    return parts


def _copied(conn: Connection, source: str, run: str | None, model: str | None) -> Origin:
    """Another version's origin, which the request may name, but not differ from."""
    try:
        found = registry.referred(conn, source)
    except Fault:
        raise _foreign(source, "model_id") from None
    if (run is not None and run != (found.run or "")) or (model is not None and model != (found.logged or "")):
        raise _wrong(source, "The run_id and model_id request parameters must match the referenced model version.")
    return Origin(f"models:/{found.name}/{found.number}", found.location, found.run, found.logged)


def _logged(conn: Connection, model: str | None) -> Logged | None:
    """The logged model that a request names; None where there is none of it here."""
    try:
        return logged.active(conn, model) if model else None
    except UnknownError:
        return None


def _of_run(conn: Connection, source: str, parts: SplitResult, run: str | None, model: str | None) -> str | None:
    """Where a source below runs:/ lies; None where the run is one of another server."""
    name, _, path = parts.path.removeprefix("/").partition("/")
    if model or not run or name != run:
        raise _foreign(source, "model_id" if model else "run_id")
    root = _root(conn, run)
    return f"{root}/{path}" if root and path else root


def _inside(conn: Connection, source: str, run: str | None, made: Logged | None, named: str) -> None:
    """See that a source lies below the artifacts of the run, or of the logged model where one is named."""
    root = _root(conn, run) if named == "run_id" else of_models.location(conn, made) if made is not None else None
    try:
        path, below = artifacts.inside(source), artifacts.inside(root or "")
    except (Fault, UsageError):
        raise _foreign(source, named) from None
    if path != below and not path.startswith(f"{below}/"):
        raise _foreign(source, named)


def _root(conn: Connection, run: str | None) -> str | None:
    """Where the artifacts of a run lie; None where there is no such run here."""
    location = runs.location(conn, run) if run else None
    return None if location is None or run is None else wire.artifact_root(location, run)


def _wrong(source: str, why: str) -> Fault:
    return Fault(INVALID, f"Invalid model version source: '{source[:300]}'. {why}")


def _foreign(source: str, named: str) -> Fault:
    return _wrong(source, f"The {named} request parameter must identify the resource that contains the source.")
