"""Looks at attributions: contributions to what each version answered are held against those over its training.

They are those that were recorded where it was answered or, where these are too few, of rows that are explained here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from sqlalchemy import Connection

from argosy.controller import trial
from argosy.controller.house import House
from argosy.controller.observe import FleetState, Snapshot
from argosy.controller.plan import predictions
from argosy.controller.watching import glance, recorded
from argosy.controller.watching.answered import ANSWERED, once
from argosy.controller.watching.recorded import Leaning, leaning
from argosy.data.dtype import instant, parse_all
from argosy.data.part import frame
from argosy.errors import ArgosyError, InputError
from argosy.model.format import Model, load
from argosy.model.signature import Matrix, Signature, encode
from argosy.monitoring.alert import SIGNALS, attribution_signals
from argosy.monitoring.attribution import moved
from argosy.registry.address import Address
from argosy.spec import duration
from argosy.spec.monitor import Attribution
from argosy.store import artifacts, datasets, versions, windows
from argosy.store.versions import Version

KIND = "attribution"
_HOUR = timedelta(hours=1)
_MOST = 1_000
"""Rows that one look explains, those of the busiest versions first: kernel SHAP takes ten milliseconds of each."""
_NEAR = 1e-6
Answering = Mapping[str, tuple[int | None, int | None]]


class Look(glance.Glance, frozen=True):
    """One look, by the addresses of versions: what they leant on lately and in training, and why some are left out."""

    seen: dict[str, Leaning]
    trained: dict[str, Leaning]
    left_out: dict[str, str]


def look(
    house: House, conn: Connection, snapshot: Snapshot, state: FleetState, monitors: Sequence[Attribution],
    answering: Answering, rows: pl.DataFrame, now: datetime,
) -> tuple[list[pl.DataFrame], list[windows.NewWindow]]:  # fmt: skip
    """Signals for alerts from the last look, one table a monitor, and the facts of a new look where one was due.

    Only `rows` count that the version answered which answers for their member now (`answering`: see `look.look`).
    """
    if not monitors:
        return [], []
    low = min(now - duration.parse(each.window) for each in monitors)
    who = _who(conn, state, answering, rows)
    told = rows.filter(pl.col("at") >= instant(low), pl.col("row_key").fill_null("") != "")
    addresses = pl.DataFrame(
        [(member, str(address)) for member, (address, _) in who.items()],
        schema={"member": pl.String, "version": pl.String}, orient="row",
    )  # fmt: skip
    told = told.join(addresses, on=["member", "version"], how="semi", maintain_order="left")
    last, facts = glance.last(house, conn, state.fleet.name, KIND, Look), list[windows.NewWindow]()
    until = told["at"].max()
    if isinstance(until, datetime) and (last is None or (now - last.at >= _HOUR and until > last.until)):
        last = _looked(house, conn, snapshot, dict(who.values()), monitors, told, last, now)
        facts.append(glance.fact(house, snapshot, state, KIND, last))
    members = told["member"].unique(maintain_order=True).to_list()
    here = {member: str(who[member][0]) for member in members}
    return [_signals(each, last, here) for each in monitors], facts


def _who(
    conn: Connection, state: FleetState, answering: Answering, rows: pl.DataFrame
) -> dict[str, tuple[Address, Version]]:
    """Of members with rows, the version that answers for them now."""
    ids = {member: answering.get(member, (None, None))[0] for member in rows["member"].unique().to_list()}
    found = versions.get(conn, {id for id in ids.values() if id is not None})
    keys = dict(state.table.select("member_id", "key").iter_rows())
    named = {id: (Address(each.fleet, keys[each.member_id], each.number), each) for id, each in found.items()}
    return {member: named[id] for member, id in ids.items() if id in named}


def _looked(
    house: House, conn: Connection, snapshot: Snapshot, known: Mapping[Address, Version],
    monitors: Sequence[Attribution], told: pl.DataFrame, last: Look | None, now: datetime,
) -> Look:  # fmt: skip
    """Explain the newest rows of each version; what one leant on in training is looked up once."""
    least, most = min(each.minimum_rows for each in monitors), max(each.rows for each in monitors)
    fleet = next(iter(known)).fleet
    answered = recorded.leanings(house, conn, fleet, told, least, most)
    sample = _sample(told.filter(~pl.col("version").is_in(list(answered))), least, most)
    served = _served(house, conn, snapshot.versions[predictions(fleet)], sample)
    sets = trial.opened(house.places.sets / fleet)
    blobs = artifacts.get(conn, {each.artifact for each in known.values()})
    seen, left_out = dict[str, Leaning](), dict[str, str]()
    trained = dict(last.trained) if last is not None else {}
    for address, version in known.items():
        mine, lately = served.filter(pl.col("version") == str(address)), answered.get(str(address))
        if (lately is None and mine.height < least) or version.signature is None:
            continue
        try:
            signature = Signature.from_json(house.store.blobs.get(version.signature))
            model = load(
                version.format, artifacts.content(house.store.blobs, blobs[version.artifact]), known=True
            )  # fmt: skip
            if lately is None:
                lately = leaning(signature.names, model.explain(_answered(model, signature, mine, least))[:, :-1])
            if str(address) not in trained or trained[str(address)].shares.keys() != lately.shares.keys():
                every = trial.rows(sets, address, version, signature, ()).matrix
                some = np.linspace(0, len(every) - 1, min(len(every), most)).astype(np.int64)
                before = leaning(signature.names, model.explain(every[some])[:, :-1], lately.shares)
                trained[str(address)] = before
            seen[str(address)] = lately
        except ArgosyError as error:
            left_out[str(address)] = error.message
    until = told["at"].max()
    assert isinstance(until, datetime)
    current = {str(address) for address in known}
    trained = {address: each for address, each in trained.items() if address in current}
    return Look(now, served.height + sum(each.rows for each in answered.values()), until, seen, trained, left_out)


def _sample(told: pl.DataFrame, least: int, most: int) -> pl.DataFrame:
    """The `most` newest rows of each version that has at least `least`, `_MOST` in all, those of the busiest first."""
    busy = told.group_by("version").len().filter(pl.col("len") >= least).sort(["len", "version"], descending=True)
    newest = told.sort("at", maintain_order=True).group_by("version", maintain_order=True).tail(most)
    ranked = busy.with_row_index("rank").select("version", "rank")
    return newest.join(ranked, on="version").sort("rank", maintain_order=True).head(max(_MOST, most))


def _served(house: House, conn: Connection, whole: datasets.Version, sample: pl.DataFrame) -> pl.DataFrame:
    """The rows of the sample as they were recorded, with their features under their own names."""
    types = parse_all(whole.columns)
    low, high = sample["at"].min(), sample["at"].max()
    if not isinstance(low, datetime) or not isinstance(high, datetime):
        return pl.DataFrame(schema=types)
    parts = datasets.cover(conn, whole.dataset, whole.number, low=low, high=high)
    given = frame(house.store.blobs, parts, types).filter(ANSWERED)
    keys = ["row_key", "at", "version"]
    rows = once(given.join(sample.select(keys).lazy(), on=keys, how="semi").collect(), keys)
    own = {name: name.removeprefix("feature.") for name in rows.columns if name.startswith("feature.")}
    return rows.drop([name for name in own.values() if name not in keys], strict=False).rename(own, strict=False)


def _answered(model: Model, signature: Signature, rows: pl.DataFrame, least: int) -> Matrix:
    """The rows whose recorded values give the recorded answer: of others, some were not recorded."""
    matrix = encode(rows.drop("version"), signature)
    same = np.isclose(model.predict(matrix), rows["prediction"].to_numpy(), rtol=_NEAR, atol=_NEAR)
    if int(same.sum()) < least:
        raise InputError(
            f"the recorded values give the recorded answer in {int(same.sum())} of {len(same)} rows",
            next="record every feature: those that are tagged are left out",
        )
    found: Matrix = matrix[same]
    return found


def _signals(monitor: Attribution, last: Look | None, here: Mapping[str, str]) -> pl.DataFrame:
    if last is None:
        return pl.DataFrame(schema=SIGNALS)
    lines = [
        (member, *moved(last.trained[address].shares, last.seen[address].shares))
        for member, address in here.items()
        if address in last.trained and address in last.seen and last.seen[address].rows >= monitor.minimum_rows
    ]
    types = {"member": pl.String, "value": pl.Float64, "feature": pl.String}
    return attribution_signals(pl.DataFrame(lines, schema=types, orient="row"), monitor.limit)
