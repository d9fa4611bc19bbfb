"""Processes killed at random moments of a replay: what is true at the end is what would have been without."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.faults import facts
from tests.faults.plant import Kill, Plant

UNTIL = date(2013, 3, 1)
KILLS = 30
FLUSH = 1.0 + 3.0
"""Seconds after which an acknowledged answer is on disk: the server's flush interval, and a write on a busy machine."""
VICTIMS = ("driver", "driver", "commit", "worker", "worker", "nursery", "server", "server's worker")
PATIENCE = 300.0


@pytest.fixture(scope="module")
def undisturbed(begin: Callable[[str], Path]) -> Path:
    work = begin("undisturbed")
    with Plant(work, UNTIL) as plant:
        plant.drive()
        assert plant.wait(PATIENCE) == 0, plant.log()[-3000:]
    return work


def disturb(plant: Plant, draw: random.Random) -> None:
    """Kill something after every few transactions until the replay has come to its end.

    Transactions count, not seconds: a slow machine is then disturbed at as many moments as a fast one.
    """
    plant.drive()
    ended = None
    while ended != 0:
        victim = _victim(plant.kills, draw)
        ended = _advance(plant, victim, draw)
        if ended is None and victim:
            plant.kill("driver" if victim == "commit" else victim, draw)
            if victim == "commit":
                plant.drive(draw.randint(1, 20))
            elif victim == "driver":
                plant.drive()
        elif ended:
            plant.drive()


def _victim(kills: list[Kill], draw: random.Random) -> str:
    """Whom to kill next, nobody at last: at random, and the last kills are kept for the kinds spared so far."""
    spared = sorted(set(VICTIMS) - {kill.victim for kill in kills})
    if KILLS - len(kills) > len(spared):
        return draw.choice(VICTIMS)
    return draw.choice(spared) if spared else ""


def _advance(plant: Plant, victim: str, draw: random.Random) -> int | None:
    """Let the replay go on for some transactions; it is over sooner when it ends, or when a rare victim appears."""
    start, some = plant.commits, draw.randint(1, 8)
    hunting = victim in ("worker", "nursery")
    deadline = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < deadline, f"{plant.kills}\n{plant.log()[-3000:]}"
        ended = plant.wait(draw.uniform(0.001, 0.03))
        if ended is not None or (hunting and plant.there(victim)):
            return ended
        if victim and plant.commits >= start + some * (3 if hunting else 1):
            return None


def lost(work: Path, kills: list[Kill]) -> list[tuple[str, str]]:
    """Answers that were acknowledged longer than the flush interval before their server was killed, and are nowhere."""
    deaths = [kill.at for kill in kills if kill.victim.startswith("server")]
    acks = [json.loads(line) for line in (work / "acks.jsonl").read_text().splitlines()]
    safe = [ack for ack in acks if not any(0 <= death - ack["at"] <= FLUSH for death in deaths)]
    assert safe
    recorded = facts.acknowledged(work / "home")
    return [(ack["id"], row) for ack in safe for row in ack["rows"] if (ack["id"], row) not in recorded]


@pytest.mark.fault
@pytest.mark.slow
def test_a_replay_killed_thirty_times_ends_with_the_facts_of_one_left_alone(
    begin: Callable[[str], Path], undisturbed: Path
) -> None:
    """Left out of the comparison are ids, CPU, wall time and latency, and what clients asked for twice."""
    work = begin("disturbed")
    with Plant(work, UNTIL) as plant:
        disturb(plant, random.Random(20130215))
        kills = plant.kills
    assert len(kills) >= KILLS
    assert {kill.victim for kill in kills} == set(VICTIMS)
    assert facts.doubles(work / "home") == []
    assert lost(work, kills) == []
    expected, found = facts.gather(undisturbed / "home"), facts.gather(work / "home")
    for kind in expected:
        assert expected[kind] or kind == "findings"
        assert found[kind] == expected[kind], kind
