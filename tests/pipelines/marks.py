"""Steps that leave marks in a folder when they are executed, and pipelines of them; workers can import this module."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import argosy as ag
from tests.pipelines.works import join, same

GPU = ag.Limit("gpu", 1)


def started(folder: str, name: str) -> int:
    """Leave a mark, and count those that are there."""
    with Path(folder, name).open("a") as file:
        file.write("x")
    return Path(folder, name).stat().st_size


@ag.step(cache=False)
def clock(folder: str) -> int:
    return started(folder, "clock")


@ag.step(cache="1d")
def daily(folder: str) -> int:
    return started(folder, "daily")


@ag.step(environment=["FLAVOUR"])
def flavour(folder: str) -> str:
    started(folder, "flavour")
    return os.environ.get("FLAVOUR", "plain")


@ag.step
def mark(folder: str, name: str) -> str:
    started(folder, name)
    return name


@ag.step(limit=GPU)
def alone(folder: str, name: str) -> float:
    begun = time.time()
    at_work = len(list(Path(folder).glob("*.busy")))
    busy = Path(folder, f"{name}.busy")
    busy.touch()
    time.sleep(0.15)
    busy.unlink()
    return at_work + 0 * begun


@ag.step(retries=3)
def shaky(folder: str) -> int:
    count = started(folder, "shaky")
    if count < 3:
        raise OSError("not yet")
    return count


@ag.step
def slow(folder: str, name: str) -> str:
    started(folder, f"{name}.begun")
    time.sleep(0.4)
    started(folder, f"{name}.ended")
    return name


@ag.step(cache=False)
def ticks(folder: str, name: str) -> int:
    time.sleep(0.02 * random.random())
    return started(folder, name)


@ag.pipeline
def six_ticks(folder: str) -> Any:
    return [ticks(folder, "tick") for _ in range(6)]


@ag.pipeline
def again(folder: str) -> Any:
    a = mark_once(folder, 0)
    return [a, mark_once(folder, same(a))]


@ag.step
def mark_once(folder: str, number: int) -> int:
    return number * started(folder, "once")


@ag.pipeline
def kept(folder: str) -> Any:
    return [clock(folder), daily(folder), flavour(folder)]


@ag.pipeline
def narrow(folder: str) -> Any:
    return alone.map(folder, [f"job{each}" for each in range(4)])


@ag.step
def linger(folder: str, name: str) -> str:
    time.sleep(0.3)
    started(folder, name)
    return name


@ag.pipeline
def marked(folder: str) -> Any:
    return linger.map(folder, [f"e{each}" for each in range(7)])


@ag.pipeline
def trying(folder: str) -> Any:
    return shaky(folder)


@ag.pipeline
def lengthy(folder: str, depth: int = 0) -> Any:
    first = slow(folder, "first")
    return [join(first, "x"), join(first, str(depth))]
