"""What the answers to rows depend on beside the rows."""

from __future__ import annotations

import hashlib

import msgspec
import polars as pl

from argosy.serving.bulk.given import fitted
from argosy.serving.bulk.group import grouped
from argosy.serving.routing import Endpoint, Route, VersionRef, champion, member_key


def fingerprint(endpoint: Endpoint, rows: pl.DataFrame, *, canaries: bool = False) -> str:
    """SHA-256 over who answers these rows, of which the key columns are needed, and how their features are made.

    Equal rows of equal fingerprints, decided at equal times, get equal answers. A version that answers none of the
    rows does not count.
    """
    columns = [fitted(rows[name], endpoint.by_name[name].datatype) for name in endpoint.by]
    distinct, _ = grouped(pl.DataFrame(columns) if columns else rows, endpoint.by)
    keys = sorted(member_key(values) for values in distinct.iter_rows()) if endpoint.by else [""]
    answers = [(key, _version(ref), route) for key in keys for ref, route in [champion(endpoint, key)]]
    drawn = [(key, _route(endpoint.routes.get(key))) for key in keys] if canaries else []
    views = [(each.name, each.entity, each.columns, str(each.ttl)) for each in endpoint.views]
    made = [(name, each.polars) for name, each in endpoint.request_features]
    inputs = [(each.name, each.datatype, each.required) for each in endpoint.inputs]
    told = (endpoint.bounded, endpoint.quantiles)
    parts = (answers, drawn, _route(endpoint.pooled) if canaries else (), inputs, made, views, str(endpoint.lead), told)
    return hashlib.sha256(
        msgspec.json.encode((endpoint.fleet, endpoint.time, endpoint.row_key, endpoint.sticky, *parts))
    ).hexdigest()


def _route(route: Route | None) -> tuple[str, str, float]:
    return (_version(route.champion), _version(route.canary), route.share) if route is not None else ("", "", 0.0)


def _version(ref: VersionRef | None) -> str:
    return f"{ref.address} {ref.slot.digest} {ref.signature}" if ref is not None else ""
