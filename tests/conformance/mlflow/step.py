"""Steps: requests as data, with names for what comes back that later requests speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON, QUERY, PATH = "body", "query", "path"


@dataclass(frozen=True)
class Step:
    """One request below /api/2.0/mlflow/, or elsewhere where `path` begins with a slash.

    `given` is its query where the method is GET, else its body: bytes are sent as they are. `<name>` in a text stands
    for what an earlier step kept under that name; `keeps` maps such names to places in the answer. A step that is
    `paged` is asked again, with the token that came, until none comes.
    """

    name: str
    method: str
    path: str
    given: Any = None
    keeps: Mapping[str, str] = field(default_factory=dict)
    paged: bool = False


Tale = list[Step]
"""Steps on the same two servers, one after another; each tale has names of its own for what it makes."""


def get(path: str, name: str = "", /, *, paged: bool = False, **query: Any) -> Step:
    """A request that reads."""
    return Step(name or path, "GET", path, query, paged=paged)


def post(
    path: str, name: str = "", keeps: Mapping[str, str] | None = None, /, *, paged: bool = False, **body: Any
) -> Step:
    """A request with a body."""
    return Step(name or path, "POST", path, body, keeps or {}, paged)


def pairs(**given: str) -> list[dict[str, str]]:
    """Tags or parameters."""
    return [{"key": key, "value": value} for key, value in given.items()]
