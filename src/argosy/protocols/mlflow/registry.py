"""What requests about registered models share: names, numbers, aliases, stages, and which version is meant by them."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import urlsplit

from sqlalchemy import Connection

from argosy.errors import UnknownError
from argosy.protocols.mlflow import limit
from argosy.protocols.mlflow.endpoint import Request
from argosy.protocols.mlflow.fault import INVALID, Fault, invalid, missing
from argosy.store.models import aliases, registered, versions
from argosy.store.models.registered import Registered
from argosy.store.models.versions import STAGES, Version

NAME, ALIAS, LATEST = 256, 255, "latest"
_ALIAS = re.compile(r"[\w\-]+")
_RESERVED = re.compile(r"[vV]\d+")
_STAGES = {stage.lower(): stage for stage in STAGES}


class OfModel(Request, kw_only=True):
    """A request about one registered model."""

    name: str | None = None


class OfVersion(OfModel, kw_only=True):
    """A request about one version."""

    version: str | None = None


def of(conn: Connection, name: str | None) -> Registered:
    """The registered model that a request means. Raises Fault for what names none, UnknownError where there is none."""
    return registered.get(conn, named(name))


def version(conn: Connection, request: OfVersion) -> Version:
    """The version that a request means. Raises Fault or UnknownError, as `of` does."""
    return versions.get(conn, of(conn, request.name), number(request.version))


def aliased(conn: Connection, model: Registered, alias: str) -> Version:
    """The version that an alias points at; "latest" is always the one of the highest number."""
    if alias.lower() == LATEST:
        return versions.newest(conn, model)
    found = aliases.find(conn, model, alias)
    if found is None:
        raise Fault(INVALID, f"Registered model alias {alias} not found.")
    return versions.get(conn, model, found)


def referred(conn: Connection, uri: str) -> Version:
    """The version that a URI such as models:/name/3, models:/name/Production or models:/name@champion names."""
    name, slash, rest = urlsplit(uri).path.removeprefix("/").partition("/")
    if slash and rest.isascii() and rest.isdigit():
        return versions.get(conn, of(conn, name), number(rest))
    if slash and rest.lower() == LATEST:
        return versions.newest(conn, of(conn, name))
    if slash:
        wanted, model = stage(rest), of(conn, name)
        found = [each for each in versions.latest(conn, [model.id]).get(model.id, []) if each.stage == wanted]
        if not found:
            raise UnknownError(f"no version of model {model.name} is at stage {wanted}", next="name one by its number")
        return found[0]
    name, _, alias = name.rpartition("@")
    return aliased(conn, of(conn, name), called(alias))


def named(name: str | None, path: str = "name") -> str:
    """The name of a model. Raises Fault for one that would not be read as a name everywhere."""
    if name is None or not name.strip():
        raise missing(path)
    if "/" in name or ":" in name:
        raise Fault(INVALID, f"Invalid model name '{name[: NAME * 2]}'. Names cannot contain '/' or ':'.")
    plain = posixpath.normpath(name)
    if plain != name or name in (".", ".."):
        raise invalid(path, name, f"As a path it would mean {plain!r}; give it a name that means itself.")
    return limit.length(name, NAME, path)


def number(text: str | None) -> int:
    """The number of a version. Raises Fault."""
    digits = (text or "").removeprefix("-")
    if text is None or not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise Fault(INVALID, f"Parameter 'version' must be an integer, got '{(text or '')[:100]}'.")
    return int(text)


def called(alias: str | None, *, new: bool = False) -> str:
    """An alias; a `new` one is none of those that mean a version by themselves. Raises Fault."""
    if not alias:
        raise Fault(INVALID, "Registered model alias name cannot be empty.")
    if not _ALIAS.fullmatch(alias):
        raise Fault(
            INVALID,
            f"Invalid alias name: '{alias[: ALIAS * 2]}'. Names may only contain alphanumerics, underscores (_), and "
            "dashes (-).",
        )
    if new and alias.lower() == LATEST:
        raise Fault(INVALID, "'latest' alias name (case insensitive) is reserved.")
    if new and _RESERVED.fullmatch(alias):
        raise Fault(INVALID, f"Version alias name '{alias[:ALIAS]}' is reserved.")
    return limit.length(alias, ALIAS, "alias")


def stage(text: str | None) -> str:
    """A stage, which may be written in any case. Raises Fault."""
    found = _STAGES.get((text or "").lower())
    if found is None:
        raise Fault(
            INVALID, f"Invalid Model Version stage: {(text or '')[:100]}. Value must be one of {', '.join(STAGES)}."
        )
    return found
