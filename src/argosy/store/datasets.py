"""Datasets: numbered versions over immutable parts. Version N is every part added in a version <= N."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ARRAY, Connection, Select, Text, any_, bindparam, func, not_, or_, select

from argosy.errors import ConflictError, InputError, UnknownError
from argosy.spec.quantity import plural
from argosy.store import schema
from argosy.store.codec import to_json
from argosy.store.rows import Row, columns, fetch, insert

_VERSION, _PART, _INGESTED = schema.dataset_version, schema.part, schema.ingested
ROWS, QUARANTINE = "rows", "quarantine"
COMPACT = "compact"
"""Purpose of a part that holds once more, in their order, all rows that a span of versions added."""


class NewPart(Row, frozen=True, kw_only=True):
    """One Parquet blob. `low`..`high` is its span of event times; `source` says where its rows came from.

    The source of a compact part names the first and the last of its `versions`.
    """

    digest: str
    rows: int
    bytes: int
    low: datetime | None = None
    high: datetime | None = None
    source: dict[str, Any] = msgspec.field(default_factory=dict)
    purpose: str = ROWS


class Part(NewPart, frozen=True, kw_only=True):
    """A part that belongs to a dataset from `from_version` on."""

    id: int
    dataset: str
    from_version: int

    @property
    def first_version(self) -> int:
        """The first version whose rows are in it; `from_version` is the last."""
        return int(self.source["versions"][0]) if self.purpose == COMPACT else self.from_version


class NewVersion(Row, frozen=True, kw_only=True):
    """What one ingest adds to `dataset`.

    `columns` maps every column to its dtype, `sources` are the keys of the files or segments that
    went in (each may go into a dataset only once), and `after` is the number of the version that
    the ingest was computed against (None: do not care).
    """

    dataset: str
    at: datetime
    parts: Sequence[NewPart]
    columns: dict[str, str]
    sources: Sequence[str] = ()
    known_until: datetime | None = None
    execution_id: int | None = None
    cause: str = ""
    after: int | None = None


class Version(Row, frozen=True, kw_only=True):
    """A version that can be read again: `rows` in all, `added` by this one, `digest` over its parts' digests."""

    id: int
    dataset: str
    number: int
    at: datetime
    known_until: datetime | None
    rows: int
    added: int
    columns: dict[str, str]
    digest: str
    execution_id: int | None
    cause: str


class _Stored(Row, frozen=True, kw_only=True):
    dataset: str
    number: int
    at: datetime
    known_until: datetime | None
    rows: int
    added: int
    columns: dict[str, str]
    digest: str
    execution_id: int | None
    cause: str


class _StoredPart(NewPart, frozen=True, kw_only=True):
    dataset: str
    from_version: int


class _Source(Row, frozen=True, kw_only=True):
    dataset: str
    source_key: str
    version: int


# Asked at every ingest, for each dataset: made once.
_OF = _VERSION.c.dataset == bindparam("dataset")
_LATEST = columns(_VERSION, Version).where(_OF).order_by(_VERSION.c.number.desc()).limit(1)
_NUMBERED = columns(_VERSION, Version).where(_OF, _VERSION.c.number == bindparam("number"))
_PARTS = columns(_PART, Part).where(
    _PART.c.dataset == bindparam("dataset"),
    _PART.c.purpose == bindparam("purpose"),
    _PART.c.from_version <= bindparam("number"),
    _PART.c.from_version > bindparam("since"),
)
_DIGESTS = (
    select(_PART.c.digest)
    .where(_PART.c.dataset == bindparam("dataset"), _PART.c.purpose == ROWS)
    .order_by(_PART.c.digest)
)

_KEYS = select(_INGESTED.c.source_key).where(_INGESTED.c.dataset == bindparam("dataset"))
_EACH = func.json_each(bindparam("keys", type_=Text)).table_valued("value")
_INGESTED_JSON = _KEYS.where(_INGESTED.c.source_key.in_(select(_EACH.c.value)))
_INGESTED_ARRAY = _KEYS.where(
    _INGESTED.c.source_key == any_(bindparam("keys", type_=ARRAY(_INGESTED.c.source_key.type)))
)


def commit(tx: Connection, new: NewVersion) -> Version:
    """Add a version with its parts and sources, in the caller's transaction; put the blobs before.

    Raises `ConflictError` if a source is already in, or if `after` is not the latest number.
    """
    last = version(tx, new.dataset)
    number = 1 if last is None else last.number + 1
    if new.after is not None and new.after != number - 1:
        raise ConflictError(
            f"dataset {new.dataset} is at version {number - 1}, not {new.after}", next="read it again and retry"
        )
    _keep(tx, new.dataset, number, new.parts, new.sources)
    added = sum(part.rows for part in new.parts if part.purpose == ROWS)
    row = _Stored(
        dataset=new.dataset,
        number=number,
        at=new.at,
        known_until=new.known_until,
        rows=added + (last.rows if last else 0),
        added=added,
        columns=new.columns,
        digest=_digest(tx, new.dataset),
        execution_id=new.execution_id,
        cause=new.cause,
    )
    (id,) = insert(tx, _VERSION, [row])
    return Version(id=id, **_dict(row, _Stored.__struct_fields__))


def note(tx: Connection, dataset: str, sources: Sequence[str], parts: Sequence[NewPart]) -> None:
    """Remember sources that brought no version, and parts (of no rows that count yet) that came with none.

    Raises `ConflictError` if a source is already in.
    """
    last = version(tx, dataset)
    _keep(tx, dataset, last.number if last else 0, parts, sources)


def adopt(tx: Connection, versions: Sequence[Version], parts: Sequence[Part]) -> None:
    """Record versions and parts of another home as they are there, but for the executions that made them.

    The blobs are to be had here, too. Raises `ConflictError` where a version is there already.
    """
    stored, kept = _Stored.__struct_fields__, _StoredPart.__struct_fields__
    insert(tx, _VERSION, [_Stored(**{**_dict(each, stored), "execution_id": None}) for each in versions])
    insert(tx, _PART, [_StoredPart(**_dict(each, kept)) for each in sorted(parts, key=lambda part: part.id)])


def version(conn: Connection, dataset: str, number: int | None = None) -> Version | None:
    """One version of a dataset: the latest unless `number` is given."""
    if number is None:
        return next(iter(fetch(conn, _LATEST, Version, dataset=dataset)), None)
    return next(iter(fetch(conn, _NUMBERED, Version, dataset=dataset, number=number)), None)


def absent(asked: str, latest: Version) -> UnknownError:
    """The error of a version that is `asked` for and is not there."""
    return UnknownError(
        f"there is no version {asked}; the latest is {latest.dataset}@{latest.number}",
        next=f"argosy get dataset-versions --where dataset:{latest.dataset}",
    )


def versions(conn: Connection, dataset: str) -> list[Version]:
    """All versions of a dataset, oldest first."""
    query = columns(_VERSION, Version).where(_VERSION.c.dataset == dataset)
    return fetch(conn, query.order_by(_VERSION.c.number), Version)


def commits(conn: Connection, dataset: str, since: datetime, number: int) -> dict[int, datetime]:
    """When each version up to `number` was committed, by its number, of those that came at `since` or later."""
    c = _VERSION.c
    known = select(c.number, c.at).where(c.dataset == dataset, c.number <= number)
    before = conn.execute(known.where(c.at < since).order_by(c.number.desc()).limit(1)).first()
    rows = conn.execute(known.where(c.number > (before.number if before is not None else 0)).order_by(c.number))
    return {row.number: row.at for row in rows}


def latest(conn: Connection) -> dict[str, Version]:
    """Every dataset's latest version, by name."""
    last = select(func.max(_VERSION.c.id)).group_by(_VERSION.c.dataset)
    found = fetch(conn, columns(_VERSION, Version).where(_VERSION.c.id.in_(last)), Version)
    return {each.dataset: each for each in sorted(found, key=lambda each: each.dataset)}


def parts(
    conn: Connection,
    dataset: str,
    number: int,
    *,
    purpose: str = ROWS,
    since: int = 0,
    low: datetime | None = None,
    high: datetime | None = None,
) -> list[Part]:
    """The parts of version `number` in order of arrival, those of versions <= `since` left out.

    With `low`/`high`, only parts whose event times may reach into [low, high].
    """
    if number < since:
        raise InputError(f"{dataset}: version {number} is before version {since}", next="pass since <= number")
    query = _within(_PARTS, low, high).order_by(_PART.c.id)
    return fetch(conn, query, Part, dataset=dataset, purpose=purpose, since=since, number=number)


def cover(
    conn: Connection,
    dataset: str,
    number: int,
    *,
    since: int = 0,
    low: datetime | None = None,
    high: datetime | None = None,
) -> list[Part]:
    """Few parts that hold exactly the rows of `parts` in the same order: compact ones stand for many small ones.

    Of compact parts, those count that hold no version but the wanted ones, the widest first.
    """
    found, last, query = list[Part](), since, _within(_PARTS, low, high)
    compact = parts(conn, dataset, number, purpose=COMPACT, since=since)
    for each in sorted(compact, key=lambda part: (part.first_version, -part.from_version)):
        if each.first_version > last:
            last = each.from_version
            query = query.where(not_(_PART.c.from_version.between(each.first_version, last)))
            found += [each] if _meets(each, low, high) else []
    found += fetch(conn, query, Part, dataset=dataset, purpose=ROWS, since=since, number=number)
    return sorted(found, key=lambda part: (part.first_version, part.id))


def compact(tx: Connection, dataset: str, part: NewPart) -> bool:
    """Record a compact part, in the caller's transaction; false where one over the same versions is there."""
    first, last = part.source["versions"]
    known = parts(tx, dataset, last, purpose=COMPACT, since=last - 1)
    if any(each.first_version == first for each in known):
        return False
    insert(tx, _PART, [_StoredPart(dataset=dataset, from_version=last, **_dict(part, NewPart.__struct_fields__))])
    return True


def ingested(conn: Connection, dataset: str, sources: Iterable[str]) -> set[str]:
    """Which of `sources` are already in the dataset."""
    asked = list(sources)
    if not asked:
        return set()
    sqlite = conn.dialect.name == "sqlite"
    given = {"dataset": dataset, "keys": to_json(asked) if sqlite else asked}
    return set(conn.execute(_INGESTED_JSON if sqlite else _INGESTED_ARRAY, given).scalars())


def _within(query: Select[Any], low: datetime | None, high: datetime | None) -> Select[Any]:
    """Only parts whose event times may reach into [low, high]."""
    c = _PART.c
    if low is not None:
        query = query.where(or_(c.high.is_(None), c.high >= low))
    if high is not None:
        query = query.where(or_(c.low.is_(None), c.low <= high))
    return query


def _meets(part: Part, low: datetime | None, high: datetime | None) -> bool:
    """Whether the part's event times may reach into [low, high]."""
    before = low is not None and part.high is not None and part.high < low
    after = high is not None and part.low is not None and part.low > high
    return not (before or after)


def _keep(tx: Connection, dataset: str, number: int, parts: Sequence[NewPart], sources: Sequence[str]) -> None:
    """Record parts and sources as coming with a version; parts that come before the first one count with it."""
    seen = ingested(tx, dataset, sources)
    if seen:
        shown = ", ".join(sorted(seen)[:3])
        raise ConflictError(f"{plural(len(seen), 'source')} already in {dataset}: {shown}", next="leave them out")
    fields = NewPart.__struct_fields__
    first = max(number, 1)
    insert(tx, _PART, [_StoredPart(dataset=dataset, from_version=first, **_dict(part, fields)) for part in parts])
    insert(tx, _INGESTED, [_Source(dataset=dataset, source_key=key, version=number) for key in sources])


def _digest(conn: Connection, dataset: str) -> str:
    """SHA-256 over the sorted digests of all row parts: the order in which they came does not matter."""
    digests = conn.execute(_DIGESTS, {"dataset": dataset}).scalars()
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _dict(row: Row, fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in fields}
