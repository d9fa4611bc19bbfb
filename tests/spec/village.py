"""A project of several modules on disk, to be edited, imported anew and fingerprinted."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from argosy.spec.code import CodePrint, fingerprint

FLIGHTS = '''
"""Features of flights."""
from __future__ import annotations

import math

import numpy as np
import polars as pl
import argosy as ag

from house import shapes
from house.steps import clean as tidy
from house.models import Delay
import house.units
from .extra import *

LIMIT = 15
TABLE = {"a": 1}
TABLE["b"] = 2
IDLE = 3
source = ag.Dataset("flights", time="t", source=ag.Parquet("x.parquet"))


def unrelated(rows):
    return rows + IDLE


def late(rows, grace: int = 5):
    """Whether a flight is late."""
    scale = house.units.MINUTE  # a comment
    limit = LIMIT + TABLE["a"]
    rows = tidy(rows)
    model = Delay(limit)
    total = shapes.area(rows) + bonus(rows)
    return model.score(np.mean(total) * scale + grace), even(4), pl.len()


def even(number):
    return number == 0 or odd(number - 1)


def odd(number):
    return number != 0 and even(number - 1)


@ag.feature_view(dataset=source, entity="origin", ttl="6h")
def view(rows):
    return rows.select("origin")


def make(factor):
    def scaled(value, shift=factor):
        return value * factor + shift + LIMIT
    return scaled


def recursive(depth):
    def fall(rest):
        return rest and fall(rest - depth)
    return fall


double = lambda value: value * 2
pair = (lambda value: value + 1), (lambda value: value + LIMIT)


def scale(rows):
    return rows


def whole(rows):
    return getattr(shapes, rows)


def inside(rows):
    from house.shapes import area as surface
    return surface(rows)


if __name__ == "__main__":
    LIMIT = 99
'''
FILES = {
    "house/__init__.py": "from house.shapes import area\n",
    "house/flights.py": FLIGHTS,
    "house/extra.py": "def bonus(rows):\n    return 1\n",
    "house/shapes.py": "from house.numbers import square\n\nSIDE = 2\n\ndef area(rows):\n    return square(SIDE)\n\n"
    "def perimeter(rows):\n    return 4\n",
    "house/numbers.py": "import scipy.special\ndef square(x):\n    return scipy.special.expit(x) * x\n",
    "house/steps.py": "def clean(rows):\n    return rows\n",
    "house/units.py": "MINUTE = 60\n",
    "house/models.py": "from house.ground import Ground\n\nclass Delay(Ground):\n"
    "    def __init__(self, limit):\n        self.limit = limit\n",
    "house/ground.py": "class Ground:\n    def score(self, x):\n        return x\n",
}


class House:
    """A project on disk that is edited and imported anew."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in FILES.items():
            path = root / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.root / "house" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def module(self, name: str = "house.flights") -> Any:
        self.forget()
        importlib.invalidate_caches()
        return importlib.import_module(name)

    def print(self, name: str = "late") -> CodePrint:
        return fingerprint(getattr(self.module(), name))

    @staticmethod
    def forget() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "house"]:
            del sys.modules[name]
