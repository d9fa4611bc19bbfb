"""Replay some days of the small project of flights against an inference server, and go on after any crash.

Run as a process of its own: `replay.py WORK PORT UNTIL [COMMITS]`. WORK holds `home`, `project`, and the world under
`cache`. Which day comes next follows from facts alone: the time of the last watch, and the files that have landed.
How many transactions were committed is the size of the file `commits`; with COMMITS the process kills itself just
before so many of its own.
"""

from __future__ import annotations

import ctypes
import http.client
import itertools
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Engine, event

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "flights"
sys.path[:0] = [str(EXAMPLE), str(ROOT)]

import world  # noqa: E402

from argosy.controller import survey  # noqa: E402
from argosy.controller.action import Ingest, Materialise, Record, Wait  # noqa: E402
from argosy.controller.house import House  # noqa: E402
from argosy.controller.loop import tick  # noqa: E402
from argosy.controller.plan import plan, predictions  # noqa: E402
from argosy.data.read import scan  # noqa: E402
from argosy.serving.snapshot import Source  # noqa: E402
from argosy.store import datasets, executions  # noqa: E402
from argosy.store.store import Store  # noqa: E402

FLEET = "late-arrival"
TOKEN = "a token for the tests of faults"
START = datetime(2013, 2, 15, tzinfo=UTC)
BATCH = 64
_TYPES = {"distance": "INT64", "scheduled_minutes": "INT64"}
_DATA = (Ingest, Materialise, Record)
_TRIES = 25
_PATIENCE = 60.0


class Replay:
    """One process's run over the days that are left."""

    def __init__(self, work: Path, port: int, house: House) -> None:
        self.house = house
        self.data = work / "project" / "data"
        self.world = world.load(work / "cache")
        self._routing = Source(house.store)
        self._version = -1
        self._address = f"http://127.0.0.1:{port}"
        self._numbers = itertools.count()
        self._acks = (work / "acks.jsonl").open("a", buffering=1)

    def run(self, until: date) -> None:
        """Go on from the facts to the end of the day `until`."""
        now = self._last() or START
        if not self._landed(now.date()):
            self._settle(now)
        for days in range((until - now.date()).days + 1):
            self._live(now.date() + timedelta(days=days))

    def _live(self, day: date) -> None:
        now = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        world.land(self.world, self.data, day)
        self._settle(now, _DATA)
        self._score(day, now)
        self._settle(now)

    def _last(self) -> datetime | None:
        with self.house.store.read() as conn:
            last = executions.of_subject(conn, f"watch:{FLEET}", limit=1)
        return last[0].started_at if last else None

    def _landed(self, day: date) -> bool:
        return any(self.data.glob(f"*/{day.isoformat()}.parquet"))

    def _settle(self, now: datetime, only: tuple[type, ...] | None = None) -> None:
        """Tick until nothing is left to do: what failed because something was killed is tried again."""
        for _ in range(_TRIES):
            tick(self.house, now, only=only)
            left = [a for a in plan(survey.observe(self.house, now), now).actions if not isinstance(a, Wait)]
            if not [a for a in left if only is None or isinstance(a, only)]:
                return
            time.sleep(0.1)
        raise SystemExit(f"never done at {now}: {left}")

    def _score(self, day: date, now: datetime) -> None:
        """Ask about every flight of a day until all answers are recorded; what is recorded already is not asked again.

        An answer that a killed server had not written yet is lost, and asked for again, as a client would.
        """
        for attempt in range(_TRIES):
            missing = self._missing(day)
            if not missing:
                return
            time.sleep(0.05 * attempt)  # a server that was killed takes a while to come back
            self._meet_the_newest_routes()
            for batch in missing:
                self._ask(day, batch)
            self._call("/argosy/flush", b"")
            self._settle(now, (Record,))
        raise SystemExit(f"the answers of {day} are never all recorded")

    def _missing(self, day: date) -> list[dict[str, list[object]]]:
        low = datetime(day.year, day.month, day.day, tzinfo=UTC)
        with self.house.store.read() as conn:
            if datasets.version(conn, predictions(FLEET)) is None:
                known: set[str] = set()
            else:
                rows = scan(conn, self.house.store, predictions(FLEET), low=low, high=low + timedelta(days=1))
                known = set(rows.select("row_key").collect()["row_key"])
        due = world.requests(self.world, day, rows=BATCH)
        return [batch for batch in due if not set(batch["flight_id"]) <= known]

    def _ask(self, day: date, batch: dict[str, list[object]]) -> None:
        count = len(batch["flight_id"])
        inputs = [
            {"name": name, "shape": [count], "datatype": _TYPES.get(name, "BYTES"), "data": values}
            for name, values in batch.items()
            if name != "dest"
        ]
        id = f"{day}-{os.getpid()}-{next(self._numbers)}"
        body = {"id": id, "parameters": {"at": "event"}, "inputs": inputs}
        answer = self._call("/v2/models/late-arrival/infer", json.dumps(body).encode())
        if answer is not None:
            self._acks.write(json.dumps({"id": id, "rows": batch["flight_id"], "at": time.time()}) + "\n")

    def _meet_the_newest_routes(self) -> None:
        newer = self._routing()
        self._version = newer.version if newer is not None else self._version
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            said = self._call("/metrics", None)
            if said is not None and f"argosy_routing_version {self._version}\n" in said:
                return
            time.sleep(0.02)
        raise SystemExit(f"the server does not reach routing version {self._version}: {said}")

    def _call(self, path: str, body: bytes | None) -> Any:
        """What the server says; None where it died meanwhile: then it is asked no more until it is back."""
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        request = urllib.request.Request(self._address + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
                text = answer.read().decode()
                return text if body is None else json.loads(text)
        except urllib.error.HTTPError as error:
            if error.code not in (404, 500, 503):  # a server that is starting knows no fleet yet
                raise SystemExit(f"{path}: {error.code} {error.read()!r}") from error
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
        return None


def count_commits(progress: Path, last: int | None) -> None:
    """Append a byte to `progress` before each commit of a transaction; kill this process before its `last`-th."""
    file = progress.open("ab", buffering=0)
    made = itertools.count(1)

    def count(connection: object) -> None:
        if next(made) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        file.write(b".")

    event.listen(Engine, "commit", count)


def die_with_parent() -> None:
    """A replay must not outlive the test that started it, however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def main(work: Path, port: int, until: date) -> None:
    """Replay up to and with the day `until`."""
    with Store.open(work / "home", create=False) as store, House(store, workers=2) as house:
        Replay(work, port, house).run(until)


def small(whole: world.World, carriers: tuple[str, ...]) -> world.World:
    """The world with the flights of some carriers out of LaGuardia alone."""
    flights = whole.flights.filter((pl.col("origin") == "LGA") & pl.col("carrier").is_in(carriers))
    return world.World(flights, whole.weather.filter(pl.col("origin") == "LGA"), whole.planes, whole.airports)


if __name__ == "__main__":
    die_with_parent()
    count_commits(Path(sys.argv[1]) / "commits", int(sys.argv[4]) if len(sys.argv) > 4 else None)
    main(Path(sys.argv[1]), int(sys.argv[2]), date.fromisoformat(sys.argv[3]))
