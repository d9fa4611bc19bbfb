"""Who answers a row: an immutable picture of every endpoint, and the choice of a version for each row.

A canary's share is decided by a hash of the row's key and the canary's address: the same row meets
the same version for as long as the rollout lasts, and another rollout draws other rows. An A/B test's challenger is
drawn as a canary; where the test assigns by another column than the row's key, its value takes the place of the key.

A rule for a caller stands above that: one for the member above one for its fleet. Where it names a challenger or a
pooled model that is not there, the rows go as those of any caller.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from typing import Literal

import msgspec

from argosy.errors import UnknownError
from argosy.model.signature import Task
from argosy.serving.domain import Domain
from argosy.spec.expression import Expression
from argosy.spec.fleet import POOLED
from argosy.spec.inputs import Inputs
from argosy.store.blobs import Slot
from argosy.store.verdicts import Waiting

Datatype = Literal["BOOL", "INT64", "FP64", "BYTES", "TIME"]
Reason = Literal["own", "canary", "challenger", "pooled", "unknown", "caller", "fallback"]
TRIED: frozenset[Reason] = frozenset({"canary", "challenger", "caller"})
"""Reasons by which a version answers that not every row gets: the champion stands in where it fails."""
_RANGE = float(2**64)


class VersionRef(msgspec.Struct, frozen=True):
    """One version: its id, its address (`late-arrival/JFK/AA@7`) and where its bytes and its signature lie.

    `margin` is how far the bounds of its interval are from what it predicts, where it has one.
    """

    id: int
    address: str
    format: str
    slot: Slot
    signature: str
    margin: float | None = None

    def __hash__(self) -> int:
        """By id: one version has one reference."""
        return self.id


class Route(msgspec.Struct, frozen=True):
    """The versions of one member; `share` of its rows are answered by the canary, or scored by the shadow.

    `tried` is the reason of the rows that the canary answers: in an A/B test it is a challenger.
    """

    champion: VersionRef | None = None
    canary: VersionRef | None = None
    share: float = 0.0
    shadow: VersionRef | None = None
    tried: Literal["canary", "challenger"] = "canary"


class Rule(msgspec.Struct, frozen=True):
    """Who answers the rows of one caller: the champion alone, whoever is tried, the pooled model, or one `version`."""

    target: Literal["champion", "challenger", "pooled", "version"]
    version: VersionRef | None = None


class Input(msgspec.Struct, frozen=True):
    """A column that a request may carry. TIME travels as BYTES in ISO 8601. `fill` is what is imputed in it."""

    name: str
    datatype: Datatype
    required: bool = True
    domain: Domain | None = None
    fill: float | str | bool | datetime | None = None


class ViewBinding(msgspec.Struct, frozen=True):
    """A feature view read online: the columns that key it, the columns it gives, and how long they count."""

    name: str
    entity: tuple[str, ...]
    columns: tuple[str, ...]
    ttl: timedelta | None = None


class Endpoint(msgspec.Struct, frozen=True, dict=True):
    """How one fleet answers. `row_key` names the input that identifies a row, `time` its event time.

    `sticky` names the input by whose value rows are assigned in an A/B test, where it is not the row's key.

    `waiting` holds, by key, the members' versions that wait for a person; `redacted` names what no record may hold.
    `rules` say what becomes of rows that do not fit. `callers` holds the rules for callers by name: each by the key of
    its member, that for all members by None. `bounded` says whether predictions have intervals; `quantiles` are the
    levels of theirs. `explained` is the share of the rows whose contributions are recorded though nobody asks.
    """

    fleet: str
    task: Task
    by: tuple[str, ...]
    inputs: tuple[Input, ...]
    request_features: tuple[tuple[str, Expression], ...] = ()
    views: tuple[ViewBinding, ...] = ()
    time: str | None = None
    lead: timedelta = timedelta(0)
    row_key: str | None = None
    sticky: str | None = None
    pooled: Route = Route()
    routes: Mapping[str, Route] = {}
    waiting: Mapping[str, Waiting] = {}
    redacted: frozenset[str] = frozenset()
    rules: Inputs = Inputs()
    callers: Mapping[str, Mapping[str | None, Rule]] = {}
    bounded: bool = False
    quantiles: tuple[float, ...] = ()
    explained: float = 0.0

    @cached_property
    def guarded(self) -> tuple[Input, ...]:
        """The inputs that may not hold any value."""
        return tuple(each for each in self.inputs if each.domain is not None)

    @cached_property
    def examines(self) -> bool:
        """Whether rows are looked at for more than their types."""
        return bool(self.guarded) or self.rules.missing == "impute"

    @cached_property
    def by_name(self) -> dict[str, Input]:
        """The inputs by name."""
        return {each.name: each for each in self.inputs}

    @cached_property
    def layout(self) -> str:
        """Its inputs by name, with their types and whether they may be null: one text, which costs little as a key."""
        columns = [(each.name, each.datatype, each.name not in self.by) for each in self.inputs]
        return msgspec.json.encode(columns).decode()

    @cached_property
    def versions(self) -> tuple[VersionRef, ...]:
        """Every version that may answer some row."""
        routes = (self.pooled, *self.routes.values())
        found = [ref for route in routes for ref in (route.champion, route.canary)]
        found += [rule.version for rules in self.callers.values() for rule in rules.values()]
        return tuple(dict.fromkeys(ref for ref in found if ref is not None))

    @cached_property
    def shadows(self) -> tuple[VersionRef, ...]:
        """Every version that scores rows and answers none."""
        return tuple(route.shadow for route in (self.pooled, *self.routes.values()) if route.shadow is not None)

    @cached_property
    def numbers(self) -> dict[str, VersionRef | None]:
        """The versions that may answer some row, by number; None where several bear it."""
        found: dict[str, VersionRef | None] = {}
        for ref in self.versions:
            number = ref.address.rpartition("@")[2]
            found[number] = ref if found.get(number, ref) == ref else None
        return found

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of the inputs that every request carries."""
        return frozenset(each.name for each in self.inputs if each.required)


class Routing(msgspec.Struct, frozen=True):
    """Every endpoint at one moment. A later picture has a larger `version`."""

    version: int
    endpoints: Mapping[str, Endpoint]

    def endpoint(self, fleet: str) -> Endpoint:
        """The endpoint of a fleet; raises UnknownError."""
        found = self.endpoints.get(fleet)
        if found is None:
            some = ", ".join(sorted(self.endpoints)[:8]) or "none yet"
            raise UnknownError(f"there is no fleet {fleet[:80]!r} here (served: {some})", next="argosy get fleets")
        return found


class Assignment(msgspec.Struct, frozen=True):
    """The version of each row, why, and the rows of each version."""

    versions: list[VersionRef]
    reasons: list[Reason]
    groups: dict[VersionRef, list[int]]


def member_key(values: Sequence[object]) -> str:
    """The key of a member: its values joined by "/", with "%" and "/" in them percent-encoded."""
    return "/".join([_part(value) for value in values])


def _part(value: object) -> str:
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text.replace("%", "%25").replace("/", "%2F") if "/" in text or "%" in text else text


def choose(endpoint: Endpoint, key: str, row: str, caller: str = "") -> tuple[VersionRef, Reason]:
    """The version that answers a row of member `key`, identified by `row`; raises UnknownError if there is none."""
    if endpoint.callers and (rules := endpoint.callers.get(caller)) is not None:
        rule = rules.get(key) or rules.get(None)
        ruled = _ruled(endpoint, key, rule) if rule is not None else None
        if ruled is not None:
            return ruled, "caller"
    drawn = _drawn(endpoint, key)
    if drawn.canary is not None and draw(drawn.canary, row) < drawn.share:
        return drawn.canary, drawn.tried
    found, reason = champion(endpoint, key)
    if found is None:
        raise unanswered(endpoint, key)
    return found, reason


def _drawn(endpoint: Endpoint, key: str) -> Route:
    """Whose canary is drawn for a member: its own, else the pooled model's."""
    route = endpoint.routes.get(key)
    return endpoint.pooled if route is None or (route.champion is None and route.canary is None) else route


def _ruled(endpoint: Endpoint, key: str, rule: Rule) -> VersionRef | None:
    """Who answers for member `key` by a rule; None where it changes nothing, or names whom there is not."""
    match rule.target:
        case "champion":
            return champion(endpoint, key)[0] if _drawn(endpoint, key).canary is not None else None
        case "pooled":
            return endpoint.pooled.champion
        case "challenger":
            route = _drawn(endpoint, key)
            return route.canary or route.shadow
    return rule.version


def stand_in(
    endpoint: Endpoint, key: str, failed: VersionRef, reason: Reason, *, unread: bool = False
) -> tuple[VersionRef | None, Reason]:
    """Who answers a row of member `key` in place of a version that failed on it; None where nobody else does.

    That is the champion, and for a champion of its own that cannot be read (`unread`) the pooled model.
    """
    found, why = champion(endpoint, key) if reason in TRIED else (None, reason)
    if unread and reason == "own":
        found, why = endpoint.pooled.champion, "fallback"
    return (found if found != failed else None), why


def champion(endpoint: Endpoint, key: str) -> tuple[VersionRef | None, Reason]:
    """Who answers for member `key` where no canary does: also the rows that a canary fails on."""
    route = endpoint.routes.get(key)
    if route is not None and route.champion is not None:
        return route.champion, "own"
    return endpoint.pooled.champion, "unknown" if route is None else "pooled"


def shadowing(endpoint: Endpoint, key: str, row: str) -> VersionRef | None:
    """The version that scores a row of member `key` beside who answers it: its own, else the pooled model's shadow."""
    route = endpoint.routes.get(key, endpoint.pooled)
    if route.shadow is None and route.champion is None:
        route = endpoint.pooled
    drawn = route.shadow
    return drawn if drawn is not None and (route.share >= 1.0 or draw(drawn, row) < route.share) else None


def drawn_by(endpoint: Endpoint, columns: Mapping[str, Sequence[object]], rows: Sequence[str]) -> Sequence[str]:
    """By what each row is drawn for a canary: its name among `rows`, or its value of the endpoint's sticky input."""
    given = columns.get(endpoint.sticky) if endpoint.sticky is not None else None
    if given is None:
        return rows
    return [name if value is None else str(value) for name, value in zip(rows, given, strict=True)]


def assign(endpoint: Endpoint, keys: Sequence[str], rows: Sequence[str], caller: str = "") -> Assignment:
    """`choose` for each row: each is answered by exactly one version, or the whole batch is refused."""
    drawn = {key for key in set(keys) if _drawn(endpoint, key).canary is not None}
    settled = {key: choose(endpoint, key, "", caller) for key in dict.fromkeys(keys) if key not in drawn}
    if len(settled) == 1 and not drawn:
        [(version, reason)], count = settled.values(), len(keys)
        return Assignment([version] * count, [reason] * count, {version: list(range(count))})
    chosen = [settled.get(key) or choose(endpoint, key, row, caller) for key, row in zip(keys, rows, strict=True)]
    return assigned([version for version, _ in chosen], [reason for _, reason in chosen])


def assigned(versions: list[VersionRef], reasons: list[Reason]) -> Assignment:
    """The assignment of one version, and one reason, to each row."""
    groups: dict[int, tuple[VersionRef, list[int]]] = {}
    for index, version in enumerate(versions):
        groups.setdefault(version.id, (version, []))[1].append(index)
    return Assignment(versions, reasons, dict(groups.values()))


def draw(canary: VersionRef, row: str) -> float:
    """A number in [0, 1), uniform over rows and always the same for one row and one canary."""
    digest = blake2b(row.encode(), digest_size=8, key=canary.address.encode()[-64:]).digest()
    return int.from_bytes(digest, "big") / _RANGE


def unanswered(endpoint: Endpoint, key: str) -> UnknownError:
    """Why nobody answers for member `key`, and what to do."""
    address = f"{endpoint.fleet}/{key}" if key else endpoint.fleet
    why = "has no champion" if key in endpoint.routes else "is not known"
    if (own := endpoint.waiting.get(key)) is not None:
        return UnknownError(f"member {address!r} {why}: {own.says}", next=own.command)
    if (pooled := endpoint.waiting.get(POOLED)) is not None:
        return UnknownError(f"member {address!r} {why}, and of the pooled model {pooled.says}", next=pooled.command)
    return UnknownError(
        f"member {address!r} {why} and no pooled model of fleet {endpoint.fleet!r} answers",
        next=f"argosy why {shlex.quote(address)}, or declare the fleet with pooled=True",
    )
