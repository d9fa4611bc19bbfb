"""Who answers the rows of a chunk: `routing` is asked once a member, not once a row."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import UnknownError
from argosy.serving.bulk.group import grouped
from argosy.serving.bulk.reason import Mask, Reasons
from argosy.serving.routing import (
    TRIED,
    Endpoint,
    Reason,
    VersionRef,
    champion,
    choose,
    drawn_by,
    member_key,
    unanswered,
)

ROUTES: tuple[Reason, ...] = ("own", "canary", "challenger", "pooled", "unknown", "caller", "fallback")
Which = npt.NDArray[np.int32]


class Choice(msgspec.Struct):
    """The versions that answer, and for each row the place of its version and of its route; -1 where there is none.

    `keys` are those of the members, and `members` the place of each row's.
    """

    refs: list[VersionRef]
    which: Which
    routes: Which
    keys: list[str]
    members: npt.NDArray[np.int64]

    def stand_in(self, endpoint: Endpoint, failed: Mask, unread: Mask) -> Mask:
        """Give rows that their version failed on to who stands in for it, if anybody; which rows they are.

        That is the champion for a canary, and the pooled model for a champion of their own that is `unread`.
        """
        mine: Mask = failed & np.isin(self.routes, [ROUTES.index(reason) for reason in TRIED])
        which, routes = _champions(endpoint, self.keys, self.refs)
        mine &= which[self.members] >= 0
        self.which[mine], self.routes[mine] = which[self.members[mine]], routes[self.members[mine]]
        pooled, others = endpoint.pooled.champion, failed & unread & ~mine & (self.routes == ROUTES.index("own"))
        if pooled is None or not others.any():
            return mine
        if pooled not in self.refs:
            self.refs.append(pooled)
        self.which[others], self.routes[others] = self.refs.index(pooled), ROUTES.index("fallback")
        mine |= others
        return mine


def chosen(
    endpoint: Endpoint, rows: pl.DataFrame, reasons: Reasons, *, canaries: bool = False, first: int = 0
) -> Choice:  # fmt: skip
    """The version of each row. With `canaries`, they have the share of the rows that they would have of requests.

    `first` is the number of the first row, which names it where it has no key. A row that has a reason already is given
    to nobody; one that nobody answers has its reason then.
    """
    fits = reasons.open
    distinct, members = grouped(rows, endpoint.by)
    keys = [member_key(values) for values in distinct.iter_rows()] if endpoint.by else [""] * distinct.height
    refs: list[VersionRef] = []
    which, routes = _champions(endpoint, keys, refs)
    choice = Choice(refs, np.where(fits, which[members], -1), np.where(fits, routes[members], -1), keys, members)
    if canaries:
        _draw(endpoint, rows, choice, fits, first)
    whys = ["" if at >= 0 else _why(endpoint, key) for key, at in zip(keys, which.tolist(), strict=True)]
    reasons.add_each(choice.which < 0, whys, members)
    return choice


def _why(endpoint: Endpoint, key: str) -> str:
    error = unanswered(endpoint, key)
    return f"{error.message} (next: {error.next})"


def _champions(endpoint: Endpoint, keys: Sequence[str], refs: list[VersionRef]) -> tuple[Which, Which]:
    """For each member the places in `refs`, to which those that it lacks are added, and in `ROUTES`; -1 for nobody."""
    places = {ref: place for place, ref in enumerate(refs)}
    which, routes = np.full(len(keys), -1, np.int32), np.full(len(keys), -1, np.int32)
    for member, key in enumerate(keys):
        ref, route = champion(endpoint, key)
        if ref is not None:
            which[member], routes[member] = places.setdefault(ref, len(places)), ROUTES.index(route)
    refs[:] = places
    return which, routes


def _draw(endpoint: Endpoint, rows: pl.DataFrame, choice: Choice, fits: Mask, first: int) -> None:
    """Let chance choose where a canary has a share: by the row, as for a request."""
    tried = [member for member, key in enumerate(choice.keys) if _tried(endpoint, key)]
    mine = np.flatnonzero(np.isin(choice.members, tried) & fits)
    named = endpoint.row_key is not None and endpoint.row_key in rows.columns
    given = rows[endpoint.row_key or ""].gather(mine).to_list() if named else [None] * len(mine)
    names = [f"offline:{first + row}" if name is None else str(name) for row, name in zip(mine, given, strict=True)]
    sticky = [name for name in (endpoint.sticky,) if name is not None and name in rows.columns]
    drawn = drawn_by(endpoint, {name: rows[name].gather(mine).to_list() for name in sticky}, names)
    places = {ref: place for place, ref in enumerate(choice.refs)}
    for row, name in zip(mine.tolist(), drawn, strict=True):
        key = choice.keys[choice.members[row]]
        with suppress(UnknownError):  # nobody answers what the canary is not drawn for
            ref, route = choose(endpoint, key, name)
            choice.which[row], choice.routes[row] = places.setdefault(ref, len(places)), ROUTES.index(route)
    choice.refs = list(places)


def _tried(endpoint: Endpoint, key: str) -> bool:
    """Whether a canary may answer for a member."""
    own = endpoint.routes.get(key, endpoint.pooled)
    return own.canary is not None or (own.champion is None and endpoint.pooled.canary is not None)
