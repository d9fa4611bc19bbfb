"""Pipelines to export, texts that may be given to them, and a program that stands for `argosy` on another machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from hypothesis import strategies as st

import argosy as ag
from argosy.pipelines.export.order import Order
from argosy.spec.pipeline import Pipeline

IMAGE = "registry.example/flights:1"

_NASTY = (
    "'", '"', "\\", "\n", "\r", "\t", " ", "$", "`id`", "$(id)", "$HOME", "$$", "$(ARGOSY_HOME)", "{{ 7 * 7 }}",
    "{", "}", "{% raw %}", "{#", "${ {", "; exit 1", "&& false", "--", "# no", ": ", "- ", "é", "\u2028", "\x1b",
    "yes", "1e3", ".sh",
)  # fmt: skip

TEXTS = st.lists(st.sampled_from(_NASTY) | st.text(st.characters(exclude_characters="\0"), max_size=5)).map("".join)
"""Texts that mean something to a shell, to YAML, to Jinja or to a scheduler."""


@ag.step
def add(a: int, b: int) -> int:
    return a + b


@ag.pipeline(schedule="30 6 * * MON-FRI", zone="Asia/Kolkata")
def nightly(flights: ag.Dataset, depth: int = 6, rate: float = 0.5, fast: bool = True, note: str = "") -> int:
    """Score the night."""
    return add(depth, 1)


@ag.pipeline
def asked(depth: int, where: ag.Span, seed: int | None = None, names: list[str] = ["a", "b"], more=5) -> int:  # noqa: B006
    return add(depth, 1)


@ag.pipeline(schedule="0 6 * * *", on=[ag.after("asked"), ag.new_version("flights")], catch_up="all",
             concurrency="replace")  # fmt: skip
def eager(depth: int = 6) -> int:
    return add(depth, 1)


@ag.pipeline(schedule="0 6 * * *", zone="Europe/Berlin", catch_up="none", concurrency="allow")
def daily(day: ag.Span) -> int:
    return add(1, 2)


@ag.pipeline
def bare() -> int:
    return add(1, 2)


@ag.pipeline
def wide(
    p1: int = 0, p2: int = 0, p3: int = 0, p4: int = 0, p5: int = 0, p6: int = 0, p7: int = 0, p8: int = 0,
    p9: int = 0, p10: int = 0, p11: int = 0, p12: int = 0, p13: int = 0, p14: int = 0, p15: int = 0, p16: int = 0,
    p17: int = 0, p18: int = 0, p19: int = 0, p20: int = 0, p21: int = 0, p22: int = 0, p23: int = 0, p24: int = 0,
    p25: int = 0, p26: int = 0,
) -> int:  # fmt: skip
    return add(p1, p26)


@ag.pipeline
def quoting(note: str = "${{ secrets.X }}", other: str = "{{$.x}}") -> int:
    return add(1, 2)


def at(pipeline: Pipeline, schedule: object) -> Order:
    """An order of a pipeline that has another schedule."""
    return Order(pipeline=msgspec.structs.replace(pipeline, schedule=schedule), image=IMAGE)


class Stand:
    """A directory whose `argosy` writes down the words and the home that it is started with, and ends as it is told."""

    def __init__(self, place: Path) -> None:
        self.calls = place / "calls"
        program = place / "bin" / "argosy"
        program.parent.mkdir()
        program.write_text(
            f"#!{sys.executable} -S\nimport json, os, sys\n"
            "call = json.dumps([os.environ.get('ARGOSY_HOME'), *sys.argv[1:]])\n"
            f"with open({str(self.calls)!r}, 'a') as calls: calls.write(call + '\\n')\n"
            "sys.exit(int(os.environ.get('CODE', '0')) if any('--shard' in word for word in sys.argv) else 0)\n"
        )
        program.chmod(0o755)
        self.path = f"{program.parent}:{os.environ.get('PATH', os.defpath)}"

    def run(self, words: Sequence[str], variables: Mapping[str, str] | None = None) -> list[list[str]]:
        """What a command started, in order; the command must succeed."""
        self.calls.write_text("")
        own = {"PATH": self.path, "LC_ALL": "C.UTF-8", **(variables or {})}
        subprocess.run(words, env=own, check=True, capture_output=True)
        return self.started()

    def started(self) -> list[list[str]]:
        """The words of each start so far."""
        return [json.loads(line)[1:] for line in self.calls.read_text().splitlines()]

    def homes(self) -> set[str]:
        """The homes of all that was started."""
        return {json.loads(line)[0] for line in self.calls.read_text().splitlines()}
