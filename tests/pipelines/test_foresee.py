"""The truth table of the cache: what runs a step again, what does not, and that both are foreseen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.workshop import Told, Workshop

PROJECT = '''"""A project of several modules."""

from __future__ import annotations

import pathlib

import argosy as ag
import polars as pl

import shop.prices
from shop import clean
from shop.limits import CEILING
from shop.scale import Scale

FACTOR = 2


def unrelated(value):
    return value


class Point:
    def __init__(self, x):
        self.x = x


@ag.format(Point)
class Points(ag.Format):
    name = "point"

    def save(self, value, file):
        file.write(str(value.x).encode())

    def load(self, file, wanted):
        return Point(int(file.read()))


@ag.step
def load(path: pathlib.Path) -> ag.Table:
    """Rows of a file."""
    return pl.read_csv(path)


@ag.step(environment=["SHIFT"])
def numbers(rows: ag.Table, offset: int = 1) -> list[int]:
    # each at its place
    count: int = offset
    return [clean.trim(each) * FACTOR + count for each in rows.lazy().collect()["n"].to_list()]


@ag.step
def weigh(value: int) -> int:
    return min(Scale().weigh(value), CEILING)


@ag.step
def top(values: list[int]) -> int:
    return max(values)


@ag.step
def price(number: int) -> int:
    return shop.prices.of(number)


@ag.step
def place(number: int) -> Point:
    return Point(number)


@ag.step
def report(cost: int, point: Point) -> list[int]:
    return [cost, point.x]


@ag.pipeline
def go(path: pathlib.Path, offset: int = 1):
    best = top(weigh.map(numbers(load(path), offset=offset)))
    return [report(price(best), place(best))]
'''
FILES = {
    "project.py": PROJECT,
    "shop/__init__.py": "",
    "shop/clean.py": "from shop.limits import FLOOR\n\n\ndef trim(value, least=FLOOR):\n    return max(value, least)\n"
    "\n\ndef never(value):\n    return value\n",
    "shop/limits.py": "FLOOR = 0\nCEILING = 1000\nOTHER = 5\n",
    "shop/scale.py": "class Scale:\n    unit = 1\n\n    def weigh(self, value):\n        return value * self.unit\n",
    "shop/prices.py": "import json\nfrom pathlib import Path\n\nNAME = 'prices.json'\n\n\ndef of(number):\n"
    "    table = json.loads((Path(__file__).parent / NAME).read_text())\n    return number * table['each']\n",
    "shop/prices.json": '{"each": 3}',
    "shop/other.py": "X = 1\n",
    "rows.csv": "n\n1\n2\n3\n",
}
ALL = {"load", "numbers", "weigh", "top", "price", "place", "report"}
AFTER = {"weigh", "top", "price", "place", "report"}

KEPT = {
    "comment": {"project.py": ("# each at its place", "# every one")},
    "docstring": {"project.py": ('"""Rows of a file."""', '"""The rows of a CSV file."""')},
    "docstring of the module": {"project.py": ('"""A project of several modules."""', '"""Another."""')},
    "layout": {"project.py": ("    return max(values)", "    return max(\n        values,\n    )")},
    "annotation of a local variable": {"project.py": ("count: int = offset", "count: float = offset")},
    "annotation of a helper": {"shop/scale.py": ("value):", "value: int) -> int:")},
    "name of an unrelated function": {"project.py": ("def unrelated", "def elsewhere")},
    "unrelated function of a helper's module": {"shop/clean.py": ("return value\n", "return -value\n")},
    "unrelated constant of another module": {"shop/limits.py": ("OTHER = 5", "OTHER = 6")},
    "order of definitions": {"shop/limits.py": ("CEILING = 1000\nOTHER = 5", "OTHER = 5\nCEILING = 1000")},
    "retries": {"project.py": ("@ag.step\ndef top", "@ag.step(retries=2)\ndef top")},
    "timeout, memory": {"project.py": ("@ag.step\ndef top", "@ag.step(timeout='5m', memory='2GiB')\ndef top")},
    "priority": {"project.py": ("@ag.step\ndef top", "@ag.step(priority=5)\ndef top")},
    "name of the step": {"project.py": ("@ag.step\ndef top", "@ag.step(name='best')\ndef top")},
    "another module of the project": {"shop/other.py": ("X = 1", "X = 2")},
}
"""Edits after which nothing runs."""

# What runs is the step of the first row, and what reads another result because of it.
RUN = {
    "body": ({"project.py": ("return max(values)", "return max(values) + 1")}, {"top", "price", "place", "report"},
             "code of project:top: changed"),
    "helper of another module": ({"shop/clean.py": ("max(value, least)", "max(value, least) + 1")},
                                 {"numbers"} | AFTER, "code of shop.clean:trim: changed"),
    "constant that a helper's default is": ({"shop/limits.py": ("FLOOR = 0", "FLOOR = 2")}, {"numbers", "top"},
                                            "code of shop.limits:FLOOR: changed"),
    "constant of the module": ({"project.py": ("FACTOR = 2", "FACTOR = 3")}, {"numbers"} | AFTER,
                               "code of project:FACTOR: changed"),
    "constant of another module": ({"shop/limits.py": ("CEILING = 1000", "CEILING = 6")},
                                   AFTER, "code of shop.limits:CEILING: changed"),
    "attribute of a class": ({"shop/scale.py": ("unit = 1", "unit = 2")}, AFTER, "code of shop.scale:Scale: changed"),
    "method of a class": ({"shop/scale.py": ("value * self.unit", "value + self.unit")}, AFTER,
                          "code of shop.scale:Scale: changed"),
    "default of an argument that is given": ({"project.py": ("rows: ag.Table, offset: int = 1",
                                                             "rows: ag.Table, offset: int = 4")},
                                             {"numbers"}, "code of project:numbers: changed"),
    "default of the pipeline": ({"project.py": ("go(path: pathlib.Path, offset: int = 1)",
                                                "go(path: pathlib.Path, offset: int = 5)")},
                                {"numbers"} | AFTER, "argument offset: 1 -> 5"),
    "file that the code names": ({"shop/prices.json": ("3", "4")}, {"price", "report"},
                                 "code of shop/prices.json: changed"),
    "content behind a path": ({"rows.csv": ("3", "4")}, {"load", "numbers"} | AFTER,
                              "input path has other content"),
    "annotation that changes what is loaded": ({"project.py": ("rows: ag.Table, offset", "rows: pl.LazyFrame, offset")},
                                               {"numbers"}, "annotations: changed"),
    "format of the project's own": ({"project.py": ("Point(int(file.read()))", "Point(int(file.read()) + 0)")},
                                    ALL, "code of project:Points: changed"),
}  # fmt: skip
"""Edits, what runs after them, and what is said of the first step that does."""


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The project, which was run once."""
    made = Workshop(tmp_path_factory.mktemp("shop"), FILES)
    assert ran(go(made)) == ALL
    return made


def go(shop: Workshop, **given: object) -> Told:
    """Run it; whatever was used again, the result is what its functions give."""
    told = shop.run(path=str(shop.root / "files" / "rows.csv"), **given)
    assert told.gave == told.wanted
    return told


def ran(told: Told) -> set[str]:
    return {node for node, state in told.became.items() if state == "executed"}


@pytest.fixture
def first(begun: Workshop, tmp_path: Path) -> Iterator[Workshop]:
    """The project after its first run, in a place of its own; in the end it is as it was, of which all is known."""
    shop = begun.copy(tmp_path / "shop")
    yield shop
    shop.restore()
    shop.environment = {}
    assert ran(go(shop)) == set()


@pytest.mark.slow
@pytest.mark.parametrize("what", KEPT)
def test_what_means_the_same_is_not_run_again(first: Workshop, what: str) -> None:
    first.edit(KEPT[what])
    told = go(first)
    assert set(told.became.values()) == set(told.foreseen.values()) == {"cached"}


@pytest.mark.slow
@pytest.mark.parametrize("what", RUN)
def test_what_changes_a_step_runs_it_again_and_what_reads_another_result(first: Workshop, what: str) -> None:
    edits, wanted, why = RUN[what]
    first.edit(edits)
    told = go(first)
    assert ran(told) == wanted
    foreseen = [node for node, verdict in told.foreseen.items() if verdict == "run"]
    assert foreseen and set(foreseen) <= wanted
    (said,) = told.why[foreseen[0]]
    assert said.startswith(f"{why} (since run ")


@pytest.mark.slow
def test_a_parameter_counts_and_what_was_known_of_each_is_kept(first: Workshop) -> None:
    told = go(first, offset=7)
    assert ran(told) == {"numbers"} | AFTER
    assert told.why["numbers"][0].startswith("argument offset: 1 -> 7 (since run ")
    assert ran(go(first, offset=7)) == ran(go(first, offset=1)) == set()


@pytest.mark.slow
def test_a_declared_variable_of_the_environment_counts(first: Workshop) -> None:
    first.environment = {"SHIFT": "1", "OTHER": "2"}
    told = go(first)
    assert ran(told) == {"numbers"}, "what it gives is the same: the others are not run"
    assert told.why["numbers"][0].startswith("environment variable SHIFT: changed (since run ")
    first.environment = {"SHIFT": "1", "OTHER": "3"}
    assert ran(go(first)) == set()


CHOICE = """import argosy as ag


@ag.step
def text(size: int) -> str:
    return "x" * size


@ag.step
def plus(more: int) -> int:
    return 1 + more


@ag.pipeline
def go(more: int):
    return ag.when(text(90_000), lambda: plus(more), lambda: 0)
"""


def test_what_hangs_on_a_damaged_result_is_foreseen_to_wait_for_it(tmp_path: Path) -> None:
    shop = Workshop(tmp_path / "choice", {"project.py": CHOICE})
    shop.run(more=1)
    (large,) = (path for path in shop.root.glob("home/blobs/**/*") if path.is_file() and path.stat().st_size > 80_000)
    large.write_bytes(bytes(90_000))
    told = shop.run(more=2)
    assert told.foreseen == {"text": "cached", "plus": "open", "when": "open"}
    assert told.why["plus"][0].startswith("hangs on what is to be made anew: blob ")
    assert told.became["text"] == told.became["plus"] == "executed" and told.gave == [3]


FOLDS = """import argosy as ag


@ag.step
def add(a: int, b: int, more: int) -> int:
    return a + b + more


@ag.step
def last(x: int) -> int:
    return x


@ag.pipeline
def go(n: int, more: int = 0):
    return last(add.reduce(list(range(n)), more=more))
"""


def test_a_reduction_is_foreseen_fold_by_fold(tmp_path: Path) -> None:
    shop = Workshop(tmp_path / "folds", {"project.py": FOLDS})
    shop.run(n=7)
    told = shop.run(n=7)
    assert told.foreseen == {"add": "cached", "last": "cached"}
    longer = shop.run(n=8)  # the folds of its first level are known but for the last
    assert longer.foreseen["add"] == "run" and longer.became["add"] == "executed"
    other = shop.run(n=7, more=1)
    assert (other.foreseen["add"], other.foreseen["last"]) == ("run", "open") and other.gave == [27]
    assert "more" in other.why["add"][0]
    assert shop.run(n=1).foreseen["add"] == "cached"
