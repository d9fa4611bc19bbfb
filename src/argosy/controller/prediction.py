"""One recorded prediction: what was asked, who answered what, why, and what it is like and was made from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller import neighbour, tagging
from argosy.controller.house import Places
from argosy.controller.neighbour import Neighbours
from argosy.controller.plan import predictions
from argosy.controller.watching import recorded
from argosy.controller.watching.answered import SHADOW
from argosy.data import part
from argosy.data.dtype import parse_all
from argosy.errors import ArgosyError, UnknownError
from argosy.model.format import load
from argosy.model.signature import Signature, encode_rows
from argosy.model.space import Space
from argosy.registry.address import parse
from argosy.store import artifacts, datasets, edges, mask, versions
from argosy.store.store import Store
from argosy.store.versions import Version

_ASKED = pl.col("route").ne_missing(SHADOW)
_PARTS = 16
_MINE = "feature."
"""What stands before the name of a feature that is called as another column of recorded rows."""
_NEAR = 1e-6
_GONE = "the version that answered is not in this home"


class Moved(msgspec.Struct, frozen=True):
    """A feature of a row: its value, or the tag of its column in its place, and how much it moved the score."""

    feature: str
    origin: str
    value: Any
    contribution: float


class Explained(msgspec.Struct, frozen=True):
    """Why a row got what it got: the features, those that moved its score most first.

    With `base` they sum to `score`, in `space`. `reason` says why there are none. They are those that were `recorded`
    when the row was answered, or were computed anew.
    """

    moved: tuple[Moved, ...] = ()
    base: float | None = None
    score: float | None = None
    space: Space | None = None
    reason: str = ""
    recorded: bool = False


class Prediction(msgspec.Struct, frozen=True):
    """A recorded row. `member` is its key, `version` the address of who answered; `prediction` is None if that failed.

    `inputs` are the versions of datasets that the version was trained on, `dataset` is that which holds the row.
    `features` are the values that were recorded, as they may be shown.
    """

    fleet: str
    row: str
    member: str
    request: str
    at: datetime
    version: str
    route: str
    prediction: float | None
    stale: bool
    latency_us: int | None
    explained: Explained
    neighbours: Neighbours
    inputs: tuple[str, ...]
    dataset: str
    features: dict[str, Any]


def read(conn: Connection, store: Store, fleet: str, id: str) -> Prediction:
    """The prediction of a row by its key, or of the first row of a request by its id; the last where several have it.

    Raises UnknownError where none has been recorded.
    """
    row, dataset = _find(conn, store, fleet, id)
    address = parse(row["version"])
    version = versions.find(conn, address.fleet, address.key, address.number)
    explained, near, inputs = Explained(reason=_GONE), Neighbours(reason=_GONE), tuple[str, ...]()
    features = dict[str, Any]()
    if version is not None and version.signature is not None:
        signature = Signature.from_json(store.blobs.get(version.signature))
        read_by = edges.of(conn, [version.execution_id], edges.IN)
        inputs = tuple(each.reference for each in read_by if each.kind == "dataset")
        tags = tagging.tags(conn, fleet, inputs, [signature])
        values = {name: row[column] for name in signature.names if (column := _column(name, row)) in row}
        features = {name: mask.value(value, tags.get(name)) for name, value in values.items()}
        told = recorded.one(conn, store, fleet, row["row_key"] or "", row["at"], row["version"])
        if told is not None:
            explained = _told(told, signature, values, tags)
        else:
            explained = _explained(conn, store, version, signature, values, row["prediction"], tags)
        digest = next((each.reference for each in read_by if each.kind == "rows"), "")
        near = _masked(neighbour.nearest(Places.of(store).sets / fleet, address.key, digest, values), tags)
    return Prediction(
        fleet=fleet, row=row["row_key"] or "", member=row["member"] or "", request=row["request_id"] or "",
        at=row["at"], version=row["version"], route=row["route"] or "", prediction=row["prediction"],
        stale=bool(row["stale"]), latency_us=row.get("latency_us"), explained=explained, neighbours=near,
        inputs=inputs, dataset=dataset, features=features,
    )  # fmt: skip


def _find(conn: Connection, store: Store, fleet: str, id: str) -> tuple[dict[str, Any], str]:
    """The last recorded row with this key, else the first of the request with this id; and what dataset holds it.

    What a shadow scored beside it was nobody's answer.
    """
    name = predictions(fleet)
    version = datasets.version(conn, name)
    parts = datasets.parts(conn, name, version.number)[::-1] if version is not None else []
    for column in ("row_key", "request_id"):
        for start in range(0, len(parts), _PARTS):
            some = parts[start : start + _PARTS]
            types = parse_all(version.columns) if version is not None else {}
            rows = part.frame(store.blobs, some, types).filter(pl.col(column) == id, _ASKED)
            found = rows.sort("at", descending=column == "row_key", maintain_order=True).head(1).collect()
            if not found.is_empty():
                return found.row(0, named=True), f"{name}@{version.number if version is not None else 0}"
    raise UnknownError(
        f"no prediction of fleet {fleet!r} with the row key or request id {id[:80]!r} has been recorded",
        next="answered rows are there once the controller has taken them in, some seconds after they were answered",
    )


def _explained(
    conn: Connection, store: Store, version: Version, signature: Signature, values: Mapping[str, Any],
    prediction: float | None, tags: mask.Tags,
) -> Explained:  # fmt: skip
    """The contributions of the version's features, computed anew: the same model and values give the same."""
    if lacking := [name for name in signature.names if name not in values]:
        return Explained(reason=f"{', '.join(map(repr, lacking[:5]))} of the row was not recorded")
    try:
        artifact = artifacts.get(conn, [version.artifact])[version.artifact]
        model = load(version.format, artifacts.content(store.blobs, artifact), known=True)
        matrix = encode_rows([values], signature)
        again = float(model.predict(matrix)[0])
        if prediction is not None and not math.isclose(again, prediction, rel_tol=_NEAR, abs_tol=_NEAR):
            return Explained(
                reason=f"the recorded features give {again:.4g}, the row was answered {prediction:.4g}: "
                f"some that the version takes were not recorded"
            )
        found = model.explain(matrix)[0].tolist()
    except ArgosyError as error:
        return Explained(reason=error.message)
    return Explained(_moved(dict(zip(signature.names, found[:-1], strict=True)), signature, values, tags), found[-1],
                     sum(found), model.space)  # fmt: skip


def _told(
    told: Mapping[str, Any], signature: Signature, values: Mapping[str, Any], tags: mask.Tags
) -> Explained:  # fmt: skip
    """What was recorded when the row was answered; tagged features have one contribution together."""
    found = {each["feature"]: each["contribution"] for each in told["contributions"]}
    if told["hidden"] is not None:
        found[recorded.HIDDEN] = told["hidden"]
    score = told["base"] + sum(found.values())
    return Explained(_moved(found, signature, values, tags), told["base"], score, told["space"], recorded=True)


def _moved(
    found: Mapping[str, float], signature: Signature, values: Mapping[str, Any], tags: mask.Tags
) -> tuple[Moved, ...]:  # fmt: skip
    """Contributions by feature, with values and origins, the largest first."""
    origins = {each.name: each.origin for each in signature.features}
    moved = [
        Moved(name, origins.get(name, "column"), mask.value(values.get(name), tags.get(name)), contribution)
        for name, contribution in found.items()
    ]
    return tuple(sorted(moved, key=lambda each: -abs(each.contribution)))


def _masked(found: Neighbours, tags: mask.Tags) -> Neighbours:
    rows = mask.rows([each.values for each in found.nearest], tags)
    pairs = zip(found.nearest, rows, strict=True)
    return msgspec.structs.replace(
        found, nearest=tuple(msgspec.structs.replace(each, values=values) for each, values in pairs)
    )


def _column(feature: str, row: Mapping[str, Any]) -> str:
    """The column that holds a feature."""
    return f"{_MINE}{feature}" if f"{_MINE}{feature}" in row else feature
