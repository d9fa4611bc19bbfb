"""URLs of SQL sources: filled in from the environment, and what of them nobody may see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from argosy.errors import InputError, UnknownError

WRITE = "write DIALECT+DRIVER://user:${PASSWORD}@host/database, such as 'postgresql+psycopg://…'"
"""What to do about a URL that cannot be read."""

_NAME = re.compile(r"\$\{(\w+)\}")
_HIDDEN = "***"


@dataclass(frozen=True)
class Filled:
    """A URL with its `${NAME}`s filled in; `secrets` are its password and what the environment gave its options."""

    url: URL
    secrets: frozenset[str]

    @property
    def shown(self) -> str:
        """The URL as anybody may see it: without password and options."""
        return self.url.set(query={}).render_as_string()

    def hide(self, text: str) -> str:
        """What a driver says, without the secrets."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, _HIDDEN)
        return text


def fill(dataset: str, url: str, environment: Mapping[str, str], root: Path) -> Filled:
    """The URL of a dataset's source. A SQLite file is looked for below `root`: opening none would make an empty one.

    An "@" in a value for user or password stands for itself. Raises `UnknownError` for a `${NAME}` that the environment
    lacks and for a SQLite file that is not there, `InputError` for what is no URL; neither shows a value.
    """
    missing = next((name for name in _NAME.findall(url) if name not in environment), None)
    if missing is not None:
        raise UnknownError(f"{dataset}: ${{{missing}}} of its URL is not set", next=f"export {missing}=…")
    user, at, rest = url.rpartition("@")
    given = _NAME.sub(lambda match: environment[match[1]].replace("@", "%40"), user) + at
    try:
        made = make_url(given + _NAME.sub(lambda match: environment[match[1]], rest))
    except (ArgumentError, ValueError):
        raise InputError(f"{dataset}: {url} is no SQLAlchemy URL once it is filled in", next=WRITE) from None
    if "@" in (made.host or ""):
        raise InputError(f"{dataset}: {url} has two '@' once it is filled in", next="write one of a password as %40")
    named = [*_NAME.findall(user.rpartition(":")[2]), *_NAME.findall(rest.partition("?")[2])]
    secrets = {str(made.password or ""), *(environment[name] for name in named)}
    return Filled(_placed(dataset, made, root), frozenset(secrets - {""}))


def _placed(dataset: str, url: URL, root: Path) -> URL:
    """The URL of a SQLite file with its whole path."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":", "file:")):
        return url
    path = root / url.database
    if not path.is_file():
        raise UnknownError(
            f"{dataset}: there is no SQLite file {path}",
            next="mend its URL: sqlite:///PATH is relative to the project, sqlite:////PATH is not",
        )
    return url.set(database=str(path))
