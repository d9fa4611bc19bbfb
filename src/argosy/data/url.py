"""URLs of SQL sources: free of written secrets, filled in from the environment, and what of them nobody may see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from argosy.errors import DeclarationError, InputError, UnknownError

WRITE = "write DIALECT+DRIVER://user:${PASSWORD}@host/database, such as 'postgresql+psycopg://…'"
"""What to do about a URL that cannot be read."""

_NAME = re.compile(r"\$\{(\w+)\}")
_PARTS = re.compile(r"((?:[^:/]*(?::[^@]*)?@)?)([^?]*)(.*)", re.DOTALL)
"""What follows `://`, as SQLAlchemy splits it: user and password, the place, the options."""
_SECRET = re.compile(
    r"(?:pass|password|passwd|passphrase|passcode|pwd|secret|token|authorization|(?:api|access|account|private|secret)key"
    r"|credentials?(?:base64|info)?)$"
)
_HIDDEN = "***"


@dataclass(frozen=True)
class Filled:
    """A URL with its `${NAME}`s filled in.

    `user` is its user as far as the declaration names it; `secrets` are its password, and what the environment gave its
    user and its options.
    """

    url: URL
    user: str | None
    secrets: frozenset[str]

    @property
    def shown(self) -> str:
        """The URL as anybody may see it: without password, options, and a user that the environment gave."""
        at = self.url
        password = at.password if self.user is not None else None
        return URL.create(at.drivername, self.user, password, at.host, at.port, at.database).render_as_string()

    def hide(self, text: str) -> str:
        """What a driver says, without the secrets, however they are escaped."""
        if not self.secrets:
            return text
        forms = "|".join(map(_forms, sorted(self.secrets, key=len, reverse=True)))
        return re.sub(forms, _HIDDEN, text, flags=re.IGNORECASE)


def check(dataset: str, url: str) -> URL:
    """Raise DeclarationError, which shows nothing of it, for a dataset's URL that holds a written secret.

    That is a password or an option of such a name, be it within another one, as in ODBC's; what `${NAME}`s stand for
    is none. Returns what is written: the URL, of any dialect, with nothing in their place, but for a host and its port.
    """
    rest = url.partition("://")[2]
    user, place, options = _split(rest)
    try:
        written = make_url(f"any://{_NAME.sub('', user)}{_NAME.sub('0', place)}{_NAME.sub('', options)}")
    except (ArgumentError, ValueError):
        raise DeclarationError(f"{dataset}: its URL is no SQLAlchemy URL", next=WRITE) from None
    if _misplaced(rest):
        raise DeclarationError(
            f"{dataset}: its URL has an '@' after the one before its host",
            next="write an '@' of a password as %40, a '/' of a user as %2F, and what is secret as ${NAME}",
        )
    found = ["the password", *(f"the option {name!r}" for name, _ in _secrets(written))][not written.password :]
    if found:
        raise DeclarationError(
            f"{dataset}: {found[0]} of its URL is written out, for all to read who may see declarations",
            next="write ${NAME} in its place and set NAME",
        )
    return written


def fill(dataset: str, url: str, environment: Mapping[str, str], root: Path) -> Filled:
    """The URL of a dataset's source. A SQLite file is looked for below `root`: opening none would make an empty one.

    A value for an option stands for itself; so does one for user or password, but that `%40` in it is an "@", and such.
    Raises what `check` does, `UnknownError` for a `${NAME}` that the environment lacks and for a SQLite file that is
    not there, `InputError` for what is no URL; none of them shows a value.
    """
    written = check(dataset, url)
    missing = next((name for name in _NAME.findall(url) if name not in environment), None)
    if missing is not None:
        raise UnknownError(f"{dataset}: ${{{missing}}} of its URL is not set", next=f"export {missing}=…")
    scheme, _, rest = url.partition("://")
    user, place, options = _split(rest)
    rest = _put(user, environment, "%") + _put(place, environment) + _put(options, environment, "")
    try:
        made = make_url(f"{_put(scheme, environment)}://{rest}")
    except (ArgumentError, ValueError):
        raise InputError(f"{dataset}: {url} is no SQLAlchemy URL once it is filled in", next=WRITE) from None
    if _misplaced(rest):
        raise InputError(f"{dataset}: {url} has two '@' once it is filled in", next="write one of a password as %40")
    named = made.username if made.username == written.username else None
    secrets = {environment[name] for name in _NAME.findall(user + options)} | {value for _, value in _secrets(made)}
    secrets |= {str(made.password or ""), made.username or "", *_values(made)} - {named, *_values(written)}
    return Filled(_placed(dataset, made, root), named, frozenset(secrets - {""}))


def _put(part: str, environment: Mapping[str, str], safe: str | None = None) -> str:
    """A part of a URL with its `${NAME}`s filled in: as they are, or escaped but for what is `safe`."""
    return _NAME.sub(lambda name: environment[name[1]] if safe is None else quote(environment[name[1]], safe), part)


def _split(rest: str) -> tuple[str, str, str]:
    """User with password, place and options of what follows `://`."""
    match = _PARTS.fullmatch(rest)
    assert match is not None
    return match[1], match[2], match[3]


def _misplaced(rest: str) -> bool:
    """Whether a host or a database holds an "@", as where a password holds one; the path of a file may."""
    place = _split(rest)[1]
    return "@" in place and not place.startswith("/")


def _values(url: URL) -> set[str]:
    return {value for values in url.normalized_query.values() for value in values}


def _secrets(url: URL) -> Iterator[tuple[str, str]]:
    """Name and value of each option whose name says that it is a secret, and of each such setting within an option."""
    for option, values in url.normalized_query.items():
        for value in values:
            settings = re.split("[;&]" if ";" in value else r"[&\s]", value)
            for name, _, given in ((option, "=", value), *(setting.partition("=") for setting in settings)):
                if given.strip() and _SECRET.search(re.sub(r"[\W_]", "", name.lower())):
                    yield name.strip(), given.strip(" {}")


def _forms(secret: str) -> str:
    """A pattern of a text with any of its characters escaped as in a URL."""
    return "".join(
        f"(?:{re.escape(each)}|{''.join(f'%{byte:02x}' for byte in each.encode())}{'|[+]' if each == ' ' else ''})"
        for each in secret
    )


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
