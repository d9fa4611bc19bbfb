"""Carry out a `Record`: segments of answered rows become parts of the fleet's predictions dataset, exactly once."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from argosy.controller.action import Record
from argosy.controller.house import House
from argosy.controller.observe import Snapshot
from argosy.controller.plan import explanations, predictions
from argosy.controller.watching.spans import retyped
from argosy.data.dtype import INSTANT, Types, parse_all, wider
from argosy.data.read import append, union
from argosy.spec.quantity import plural
from argosy.store import datasets, events

TIME = "at"
PORTION, FILES = 200_000, 2_000
"""Rows, and segments, that one version takes in: after an outage memory stays bounded, and what is done is done."""
BAD = ".bad"
"""The folder, beside a fleet's segments, of those that cannot be read: nobody looks there but a person."""
_SHORTAGE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""What keeps a file from being read that is no fault of the file."""


EXPLANATIONS = "explanations"
"""The folder, beside a fleet's segments, of those of contributions."""


def waiting(segments: Path, fleet: str) -> list[Path]:
    """The segments that inference servers have finished writing and nobody has taken in yet, oldest first."""
    return [*_in(segments / fleet), *_in(segments / fleet / EXPLANATIONS)]


def _in(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*.arrow"))


def run(house: House, snapshot: Snapshot, action: Record, now: datetime) -> str:
    """Take in every waiting segment, a portion at a time, each a version in a transaction of its own.

    A file is removed only after the version that holds it is committed; one that was in already is removed as well.
    One that cannot be read is moved into the folder `BAD` with an event that says why, and stops none of the others.
    """
    folder = house.places.segments / action.fleet
    said = _all(house, action, folder, predictions(action.fleet), "answered row", now)
    why = _in(folder / EXPLANATIONS)
    more = _all(house, action, folder / EXPLANATIONS, explanations(action.fleet), "explained row", now) if why else ""
    return f"{said}; {more}" if more else said


def _all(house: House, action: Record, folder: Path, name: str, what: str, now: datetime) -> str:
    """Take in every segment of a folder; what was done, in words."""
    files = _in(folder)
    with house.store.read() as conn:
        seen = datasets.ingested(conn, name, [file.name for file in files])
    rows = 0
    bad: list[Path] = []
    for portion in _portions(_sound(house, action, (file for file in files if file.name not in seen), bad, now)):
        rows += _take(house, name, action, portion, f"{what}s", now)
    for file in files:
        file.unlink(missing_ok=True)
    taken = plural(len(files) - len(seen) - len(bad), "segment")
    said = f"{name}: {plural(rows, what)} from {taken}"
    return f"{said}; {len(bad)} that cannot be read were moved to {BAD}" if bad else said


def _sound(
    house: House, action: Record, files: Iterable[Path], bad: list[Path], now: datetime
) -> Iterator[tuple[Path, pl.DataFrame]]:  # fmt: skip
    """The files that can be read, with their rows; the others are moved aside and added to `bad`."""
    for file in files:
        found = _read(file)
        if isinstance(found, str):
            _set_aside(house, action, file, found, now)
            bad.append(file)
        else:
            yield file, found


def _read(file: Path) -> pl.DataFrame | str:
    """The rows of a segment, or why there are none to be had. Raises `OSError` where the machine is short of means."""
    try:
        frame = pl.read_ipc(file.read_bytes())
    except OSError as error:
        if error.errno in _SHORTAGE:
            raise
        return str(error)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:  # flipped bits may make Polars panic
        return str(error)
    if not isinstance(frame.schema.get(TIME), pl.Datetime):
        return f"it has no times {TIME!r}, but {frame.schema.get(TIME)}"
    return frame


def _set_aside(house: House, action: Record, file: Path, reason: str, now: datetime) -> None:
    target = file.parent / BAD / file.name
    message = f"segment {file.name} of {action.fleet} cannot be read, and was moved to {target.parent}: {reason}"
    with house.write(action.subject) as tx:
        events.add(
            tx, [events.NewEvent(at=now, kind="failed", subject=action.subject, actor=house.actor, message=message)]
        )
        target.parent.mkdir(exist_ok=True)
        file.rename(target)


def _portions(segments: Iterable[tuple[Path, pl.DataFrame]]) -> Iterator[list[tuple[Path, pl.DataFrame]]]:
    """The segments, as many at a time as have at most `PORTION` rows; a larger one comes alone."""
    held: list[tuple[Path, pl.DataFrame]] = []
    for file, frame in segments:
        if held and (sum(each.height for _, each in held) + frame.height > PORTION or len(held) == FILES):
            yield held
            held = []
        held.append((file, frame))
    if held:
        yield held


def _take(
    house: House, name: str, action: Record, portion: Sequence[tuple[Path, pl.DataFrame]], cause: str, now: datetime
) -> int:  # fmt: skip
    """Commit a portion, then remove its files; returns its number of rows."""
    with house.store.read() as conn:
        held = datasets.version(conn, name)
    types = parse_all(held.columns) if held is not None else {}
    frame = _joined(name, types, [each for _, each in portion]).with_columns(pl.col(TIME).cast(INSTANT))
    append(
        house.store, name, frame, time=TIME, sources=[file.name for file, _ in portion], now=now, cause=cause,
        work=lambda tx, _: house.hold(tx, action.subject),
    )  # fmt: skip
    for file, _ in portion:
        file.unlink(missing_ok=True)
    return frame.height


def _joined(dataset: str, types: Types, segments: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of segments. A feature that was declared anew with another type lies beside what it was before.

    It is called `distance as String` where the dataset holds numbers as `distance`.
    """
    frames = []
    for frame in segments:
        other = {c: retyped(c, t) for c, t in frame.schema.items() if c in types and wider(types[c], t) is None}
        frames.append(frame.rename(other))
        types = union(dataset, types, frames[-1].schema)
    return pl.concat(frames, how="diagonal_relaxed")
