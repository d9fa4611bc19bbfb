"""The routing picture, built from the facts of the store."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import msgspec
from sqlalchemy import Connection, func, select

from argosy.errors import ArgosyError, DeclarationError
from argosy.model.signature import Feature, Signature, lineage
from argosy.serving.check import narrowed, typed
from argosy.serving.domain import Domain
from argosy.serving.routing import Datatype, Endpoint, Input, Route, Routing, Rule, VersionRef, ViewBinding
from argosy.spec import duration
from argosy.spec.dataset import Dataset
from argosy.spec.document import Declaration, recorded
from argosy.spec.expression import Expression
from argosy.spec.feature import FeatureView, RequestFeatures
from argosy.spec.fleet import POOLED, Fleet
from argosy.spec.interval import Interval
from argosy.spec.monitor import Attribution
from argosy.spec.rollout import ABTest
from argosy.spec.tag import tagged
from argosy.store import Store, datasets, declarations, routes, rules, schema, verdicts, versions
from argosy.store.blobs import Blobs
from argosy.store.routes import Reach

_LOG = logging.getLogger("argosy.serving")
VIEW, REQUEST = "view:", "request"
_KINDS: dict[str, Datatype] = {"number": "FP64", "category": "BYTES", "boolean": "BOOL"}


class _Known(msgspec.Struct):
    """What was read of the members of a fleet, up to `reach`: their routes, and the signatures by key and role.

    The margins of the versions are for `interval`.
    """

    routes: dict[str, Route]
    signatures: dict[tuple[str, str], str | None]
    reach: Reach
    interval: Interval | None


class Source:
    """Gives a newer picture whenever a declaration, an alias, a rollout or a verdict has changed, else None.

    The picture's version grows with every such fact. Of members, those alone are read again that facts have come for.
    Call it from one thread at a time.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen = -1
        self._signatures: dict[str, Signature] = {}
        self._former: dict[str, Endpoint] = {}
        self._words: dict[str, _Words] = {}
        self._known: dict[str, _Known] = {}

    def __call__(self) -> Routing | None:
        """One transaction: nothing is read where nothing has changed."""
        with self._store.read() as conn:
            declared = conn.execute(select(func.coalesce(func.max(schema.declaration.c.id), 0))).scalar_one()
            version = int(declared) + sum(routes.mark(conn))
            if version == self._seen:
                return None
            picture = Routing(version, self._endpoints(conn))
        self._seen = version
        return picture

    def _endpoints(self, conn: Connection) -> dict[str, Endpoint]:
        """One endpoint a fleet; a fleet whose facts make none keeps the one it had, and no other fleet waits for it."""
        current = [recorded(each.body) for each in declarations.current(conn)]
        found = {}
        for fleet in current:
            if not isinstance(fleet, Fleet):
                continue
            try:
                found[fleet.name] = self._endpoint(conn, fleet, current)
            except ArgosyError as error:
                _LOG.error("fleet %s keeps the routes it had: %s", fleet.name, error)
                if fleet.name in self._former:
                    found[fleet.name] = self._former[fleet.name]
        self._former = found
        return found

    def _endpoint(self, conn: Connection, fleet: Fleet, current: Sequence[Declaration]) -> Endpoint:
        read_of = self._members(conn, fleet)
        members, signatures = dict(read_of.routes), read_of.signatures
        ruled = rules.current(conn, fleet.name)
        known = {each.name: each for each in current if isinstance(each, Dataset)}
        spine = known.get(fleet.spine)
        if spine is None:
            raise DeclarationError(f"fleet {fleet.name!r} names dataset {fleet.spine!r}, which is not declared")
        latest = datasets.version(conn, fleet.spine)
        held = {*signatures.values(), *(each.signature for each in ruled)}
        every = self._read(self._store.blobs, held)
        features, made = _features(every), lineage(every)
        settled = {signature for (_, role), signature in signatures.items() if role == "champion"}
        needed = _features(self._read(self._store.blobs, settled)) or features
        features |= needed  # where a canary takes a feature in another way, requests carry what the champion takes
        declared = [each for each in current if isinstance(each, FeatureView)]
        views = _views(declared, features)
        read = {view.name for view in views}
        sources = [spine, *(known[each.dataset] for each in declared if each.name in read and each.dataset in known)]
        expressions = _expressions(conn, fleet, features)
        inputs = _inputs(fleet, spine, latest.columns if latest else {}, features, needed, views, expressions)
        words = self._words.setdefault(fleet.name, _Words())
        words.learn(signatures.values(), self._signatures)
        return Endpoint(
            fleet=fleet.name,
            task="binary" if fleet.task == "binary" else "regression",
            by=fleet.by,
            inputs=tuple(_guarded(each, fleet, spine, words.seen) for each in inputs),
            request_features=tuple(expressions.items()),
            views=views,
            time=spine.time,
            lead=duration.parse(fleet.lead) if fleet.lead else timedelta(0),
            row_key=spine.key[0] if len(spine.key) == 1 else None,
            sticky=_sticky(fleet),
            pooled=members.pop(POOLED, Route()) if fleet.pooled else Route(),
            routes=members,
            waiting=_waiting(conn, fleet),
            redacted=tagged(sources, expressions, made).intersection(features),
            rules=fleet.inputs,
            callers=_callers(fleet, ruled, _margins(conn, fleet, ruled)),
            bounded=fleet.interval is not None,
            explained=max((each.share for each in fleet.monitors if isinstance(each, Attribution)), default=0.0),
            quantiles=fleet.quantiles,
        )

    def _members(self, conn: Connection, fleet: Fleet) -> _Known:
        """What is known of the members, brought up to what the facts of now say."""
        before, reach = self._known.get(fleet.name), routes.reach(conn)
        if before is not None and before.interval != fleet.interval:
            before = None
        table = routes.table(conn, fleet.name, before.reach if before is not None else None)
        found = _members(fleet, table, _margins(conn, fleet, table))
        signatures = {(row.key, row.role): row.signature for row in table}
        if before is not None:
            ended = {(key, "rollout") for key in found}
            former = {key: each for key, each in before.signatures.items() if key not in ended}
            found, signatures = before.routes | found, former | signatures
        known = self._known[fleet.name] = _Known(found, signatures, reach, fleet.interval)
        return known

    def _read(self, blobs: Blobs, digests: Iterable[str | None]) -> list[Signature]:
        """Signatures; one that cannot be read is left out, as its versions fail by themselves, unless all are such."""
        found: list[Signature] = []
        wanted = sorted({digest for digest in digests if digest is not None})
        for digest in wanted:
            try:
                if digest not in self._signatures:
                    self._signatures[digest] = Signature.from_json(blobs.get(digest))
            except ArgosyError as error:
                if not found and digest == wanted[-1]:
                    raise
                _LOG.error("versions of a signature cannot answer: %s", error)
                continue
            found.append(self._signatures[digest])
        return found


class _Words:
    """The categories that versions of a fleet were trained on, by feature; what was read once is not read again."""

    def __init__(self) -> None:
        self.seen: dict[str, set[str]] = {}
        self._read: set[str] = set()

    def learn(self, digests: Iterable[str | None], signatures: Mapping[str, Signature]) -> None:
        """Take those of some signatures that are new."""
        for digest in signatures.keys() & set(digests) - self._read:
            self._read.add(digest)
            for each in signatures[digest].features:
                if each.categories is not None and each.origin == "column":
                    self.seen.setdefault(each.name, set()).update(each.categories)


def _guarded(each: Input, fleet: Fleet, spine: Dataset, seen: Mapping[str, set[str]]) -> Input:
    """An input with its domain, and with what is imputed in it; raises InputError where that is not of its type."""
    if each.name in fleet.by:
        return each
    words = frozenset(seen[each.name]) if each.name in seen and each.datatype == "BYTES" else None
    columns = spine.contract.columns if spine.contract is not None else {}
    domain = Domain.of(columns.get(each.name), words) if each.datatype != "TIME" else None
    fill = fleet.inputs.fill.get(each.name)
    [value] = typed(each, narrowed(each.datatype, [fill]))
    return msgspec.structs.replace(each, domain=domain, fill=value)


def _margins(conn: Connection, fleet: Fleet, rows: Sequence[routes.Route | rules.Rule]) -> dict[int, float]:
    """How wide the fleet's interval is for the versions that some rows name."""
    if fleet.interval is None:
        return {}
    return versions.metric(conn, {row.version_id for row in rows if row.version_id is not None}, fleet.interval.metric)


def _members(fleet: Fleet, table: Sequence[routes.Route], margins: Mapping[int, float]) -> dict[str, Route]:
    found: dict[str, Route] = {}
    for row in table:
        ref = _version(fleet, row.key, row, margins)
        known = found.get(row.key, Route())
        if row.role == "rollout":
            share, beside = row.share or 0.0, row.kind == "shadow"
            found[row.key] = Route(
                known.champion, None if beside else ref, share, ref if beside else None,
                "challenger" if row.kind == "ab_test" else "canary",
            )  # fmt: skip
        else:
            own = ref if row.target == "own" else None
            found[row.key] = msgspec.structs.replace(known, champion=own)
    return found


def _callers(
    fleet: Fleet, ruled: Sequence[rules.Rule], margins: Mapping[int, float]
) -> dict[str, dict[str | None, Rule]]:
    """By caller the rules that can be kept, each by its member's key; that for all members by None."""
    found: dict[str, dict[str | None, Rule]] = {}
    for each in ruled:
        ref = _version(fleet, each.version_key or "", each, margins)
        match each.target:
            case "champion" | "challenger" | "pooled":
                found.setdefault(each.caller, {})[each.key] = Rule(each.target)
            case _ if ref is not None:
                found.setdefault(each.caller, {})[each.key] = Rule("version", ref)
    return found


def _waiting(conn: Connection, fleet: Fleet) -> dict[str, verdicts.Waiting]:
    """By key, the version of a member that a person is to answer for; the latest that was asked about."""
    found = {each.key: each for each in verdicts.undecided(conn, fleet.name, fleet.approval).waiting}
    return {key: each for key, each in found.items() if fleet.pooled or key != POOLED}


def _version(fleet: Fleet, key: str, row: routes.Route | rules.Rule, margins: Mapping[int, float]) -> VersionRef | None:
    """The version that a row names, which is one of member `key`; None where it names none that can be read."""
    if row.version_id is None or row.slot is None or row.format is None or row.signature is None:
        return None
    member = f"{fleet.name}/{key}" if key else fleet.name
    margin = margins.get(row.version_id)
    return VersionRef(row.version_id, f"{member}@{row.number}", row.format, row.slot, row.signature, margin)


def _features(signatures: Sequence[Signature]) -> dict[str, Feature]:
    return {feature.name: feature for signature in signatures for feature in signature.features}


def _expressions(conn: Connection, fleet: Fleet, features: dict[str, Feature]) -> dict[str, Expression]:
    """Request features by name: those declared now, and for a version that needs a withdrawn one its last form."""
    found = _declared(fleet)
    lacks = {name for name, each in features.items() if each.origin == REQUEST} - set(found)
    for past in declarations.history(conn, "fleet", fleet.name) if lacks else ():
        former = recorded(past.body) if not past.removed else None
        if isinstance(former, Fleet):
            found |= {name: each for name, each in _declared(former).items() if name in lacks - set(found)}
    return found


def _declared(fleet: Fleet) -> dict[str, Expression]:
    parts = [each.expressions for each in fleet.features if isinstance(each, RequestFeatures)]
    return {name: expression for part in parts for name, expression in part.items()}


def _views(declared: Sequence[FeatureView], features: dict[str, Feature]) -> tuple[ViewBinding, ...]:
    """Bindings of the views from which some version takes features, in the order of their names."""
    bindings = []
    for view in declared:
        columns = tuple(name for name, feature in features.items() if feature.origin == VIEW + view.name)
        ttl = duration.parse(view.ttl) if view.ttl else None
        bindings += [ViewBinding(view.name, view.entity, columns, ttl)] if columns else []
    return tuple(bindings)


def _inputs(
    fleet: Fleet,
    spine: Dataset,
    types: dict[str, str],
    features: dict[str, Feature],
    needed: dict[str, Feature],
    views: Sequence[ViewBinding],
    expressions: dict[str, Expression],
) -> tuple[Input, ...]:
    """What a request must carry (keys, and what the features `needed` come from) and may.

    It may carry what other features come from, which no champion takes yet, the time, the row key, the column by which
    an A/B test assigns, and given features.
    """
    inputs = {name: Input(name, _datatype(name, types, features)) for name in fleet.by}
    for required, taken in ((True, needed), (False, features)):
        exact = [name for view in views if not taken.keys().isdisjoint(view.columns) for name in view.entity]
        wanted = [each for name, each in expressions.items() if name in taken or not required]
        for name in (*exact, *(name for each in wanted for name in each.columns())):
            inputs.setdefault(name, Input(name, _datatype(name, types, features), required))
        for name in [name for name, feature in taken.items() if feature.origin == "column"]:
            inputs.setdefault(name, Input(name, _KINDS[taken[name].kind], required))
    sticky = _sticky(fleet)
    for name in (spine.time, *spine.key[:1], *([sticky] if sticky is not None else []), *features):
        inputs.setdefault(name, Input(name, _datatype(name, types, features), required=False))
    return tuple(inputs.values())


def _sticky(fleet: Fleet) -> str | None:
    return fleet.rollout.by if isinstance(fleet.rollout, ABTest) else None


def _datatype(name: str, types: dict[str, str], features: dict[str, Feature]) -> Datatype:
    """The type on the wire of a spine column, else of a feature, else text."""
    seen = types.get(name, "")
    if seen.startswith(("Int", "UInt")):
        return "INT64"
    if seen.startswith(("Float", "Decimal")):
        return "FP64"
    if seen.startswith(("Datetime", "Date")):
        return "TIME"
    if seen.startswith("Bool"):
        return "BOOL"
    return _KINDS[features[name].kind] if not seen and name in features else "BYTES"
