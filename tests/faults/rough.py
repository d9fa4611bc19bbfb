"""A project whose steps misbehave, each in a way of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

import polars as pl

import argosy as ag


class Unspeakable(Exception):
    def __init__(self, *, gate):
        super().__init__()
        self.gate = gate

    def __reduce__(self):
        raise TypeError("never")


@ag.step(memory="400MiB")
def leaks(x: int) -> int:
    held = []
    while True:
        held.append(bytearray(20_000_000))


@ag.step
def leaves_children(x: int) -> int:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    return x


@ag.step(timeout="1s")
def hangs(x: int) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)


@ag.step
def floods(x: int) -> int:
    block = "x" * 1_000_000 + "\n"
    for _ in range(1_000):
        sys.stdout.write(block)
    return x


@ag.step
def formless(x: int) -> Any:
    return object()


@ag.step
def mute(x: int) -> int:
    raise Unspeakable(gate=lambda: 1)


@ag.step
def leaves(x: int) -> int:
    os._exit(3)


@ag.step
def crashes(x: int) -> int:
    return ctypes.string_at(0)


@ag.step
def strays(x: int) -> int:
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.rmdir(folder)
    return x


@ag.step
def moves(x: int) -> int:
    os.chdir("/")
    return x


@ag.step
def closes(x: int) -> int:
    os.close(1)
    os.close(2)
    return x


@ag.step
def swaps(x: int) -> int:
    sys.stdout = sys.stderr = None
    return x


@ag.step
def large(x: int) -> ag.Table:
    return pl.select(n=pl.int_range(37_500_000) * 2_654_435_761 % 4_294_967_291)


@ag.step
def garbles(x: int) -> int:
    os.write(1, bytes(range(256)) * 10)
    sys.stdout.buffer.write(bytes(range(256)))
    return x


@ag.step
def interrupts(x: int) -> int:
    raise KeyboardInterrupt


@ag.step
def exits(x: int) -> int:
    sys.exit(7)


@ag.step
def good(x: int) -> str:
    print("well", x)  # noqa: T201 - it fails where there is no stream to print to
    return os.getcwd()


@ag.step
def height(rows: ag.Table) -> int:
    return rows.height


STEPS = [
    leaks,
    leaves_children,
    hangs,
    floods,
    formless,
    mute,
    leaves,
    crashes,
    strays,
    moves,
    closes,
    swaps,
    garbles,
    interrupts,
    exits,
]


@ag.pipeline
def go():
    found = [good(-1)]
    for place, each in enumerate(STEPS):
        found += [each(place), good(place)]
    return [*found, height(large(0))]
