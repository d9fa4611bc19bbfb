"""The truth table of the cache: what runs a step again, what does not, and what is hard to see."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import argosy as ag
from argosy.controller.project import load
from argosy.errors import DeclarationError
from argosy.pipelines import recipe
from argosy.spec.interface import MISSING
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


def test_what_is_kept_of_a_variable_does_not_tell_its_value(tmp_path: Path) -> None:
    step = "@ag.step(environment=['TOKEN', 'OTHER'])\ndef f() -> int:\n    return 1\n"
    workshop = Workshop(tmp_path, {"project.py": HEAD + step})
    made = vars(load(workshop.root / "files" / "project.py")[1])["f"]
    one, other = (recipe.of(made, {"TOKEN": each, "MORE": "1"}) for each in ("hunter2", "hunter3"))
    assert one == recipe.of(made, {"TOKEN": "hunter2"})
    assert one.variables["OTHER"] is None and one.variables["TOKEN"] != other.variables["TOKEN"]
    assert one.digest != other.digest and "hunter2" not in str(one)


ARGOSY = "import sys\nfrom argosy.cli.app import run\nsys.exit(run(sys.argv[1:]))"
LIBRARY = """
import argosy as ag
import tinylib


@ag.step
def f(x: int) -> int:
    return x + tinylib.VALUE


@ag.pipeline
def go():
    return f(1)
"""


@pytest.mark.slow
def test_the_version_of_a_library_that_a_step_imports_counts(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text(LIBRARY)
    site = tmp_path / "site-packages"

    def install(version: str, value: int) -> None:
        shutil.rmtree(site, ignore_errors=True)
        for name in ("tinylib", f"tinylib-{version}.dist-info"):
            (site / name).mkdir(parents=True)
        (site / "tinylib" / "__init__.py").write_text(f"VALUE = {value}\n")
        (site / f"tinylib-{version}.dist-info" / "METADATA").write_text(f"Name: tinylib\nVersion: {version}\n")

    def argosy(*options: str) -> Any:
        command = [sys.executable, "-c", ARGOSY, "run", "go", "--project", "project.py", "--json", *options]
        environment = {**os.environ, "PYTHONPATH": str(site), "ARGOSY_HOME": str(tmp_path / "home")}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    install("1.0", 1)
    assert argosy()["counts"] == {"executed": 1}
    install("2.0", 2)
    (node,) = argosy("--dry-run")["nodes"]
    assert (node["verdict"], node["why"]) == ("run", ["library tinylib: 1.0 -> 2.0 (since run 1)"])
    assert argosy()["counts"] == {"executed": 1}
    install("1.0", 1)
    assert argosy()["counts"] == {"cached": 1}


TRAPS = {
    "function in a closure with the name of another": (
        "import functools\ndef shape(x: int) -> int: ...\ndef make(by):\n    @functools.wraps(shape)\n"
        "    def inner(x):\n        return x * by\n    return inner\nf = ag.step(make(3))\n", {},
        {"project.py": ("make(3)", "make(4)")},
    ),
    "its body": (
        "import functools\ndef shape(x: int) -> int: ...\ndef make(by):\n    @functools.wraps(shape)\n"
        "    def inner(x):\n        return x * by\n    return inner\nf = ag.step(make(3))\n", {},
        {"project.py": ("x * by", "x + by")},
    ),
    "decorator of the project's own": (
        "from deco import twice\n@ag.step\n@twice\ndef f(x: int) -> int:\n    return x\n",
        {"deco.py": "import functools\ndef twice(g):\n    @functools.wraps(g)\n    def inner(x):\n"
                    "        return 2 * g(x)\n    return inner\n"},
        {"deco.py": ("2 *", "3 *")},
    ),
    "helper with a cache": (
        "import functools\nK = 1\n@functools.lru_cache\ndef g(x: int) -> int:\n    return x + K\nf = ag.step(g)\n", {},
        {"project.py": ("K = 1", "K = 2")},
    ),
    "branch of an import": (
        "try:\n    from one import h\nexcept ImportError:\n    from two import h\n"
        "@ag.step\ndef f(x: int) -> int:\n    return h(x)\n",
        {"one.py": "def h(x):\n    return x + 1\n", "two.py": "def h(x):\n    return x\n"},
        {"one.py": ("1", "2")},
    ),
    "condition of an import": (
        "FAST = True\nif FAST:\n    from one import h\nelse:\n    from two import h\n"
        "@ag.step\ndef f(x: int) -> int:\n    return h(x)\n",
        {"one.py": "def h(x):\n    return x + 1\n", "two.py": "def h(x):\n    return x\n"},
        {"project.py": ("FAST = True", "FAST = False")},
    ),
    "branch of an import in a body": (
        "@ag.step\ndef f(x: int) -> int:\n    if x:\n        from one import h\n    else:\n        from two import h\n"
        "    return h(x)\n",
        {"one.py": "def h(x):\n    return x + 1\n", "two.py": "def h(x):\n    return x\n"},
        {"one.py": ("1", "2")},
    ),
    "star that binds anew": (
        "K = 1\nfrom one import *\n@ag.step\ndef f(x: int) -> int:\n    return x + K\n",
        {"one.py": "K = 5\n"}, {"one.py": ("5", "6")},
    ),
    "table that a function fills": (
        "T = {}\ndef fill(t, v):\n    t['k'] = v\nfill(T, 1)\n@ag.step\ndef f(x: int) -> int:\n    return T['k']\n", {},
        {"project.py": ("fill(T, 1)", "fill(T, 2)")},
    ),
    "registry that a decorator fills": (
        "T = {}\ndef keep(g):\n    T[g.__name__] = g\n    return g\n@keep\ndef h(x):\n    return x + 1\n"
        "@ag.step\ndef f(x: int) -> int:\n    return T['h'](x)\n", {},
        {"project.py": ("x + 1", "x + 2")},
    ),
    "list that a comprehension fills": (
        "T = []\n[T.append(i) for i in range(2)]\n@ag.step\ndef f(x: int) -> int:\n    return len(T)\n", {},
        {"project.py": ("range(2)", "range(3)")},
    ),
    "constant that a function sets": (
        "K = 0\ndef setup(v):\n    global K\n    K = v\nsetup(1)\n@ag.step\ndef f(x: int) -> int:\n    return K\n", {},
        {"project.py": ("setup(1)", "setup(2)")},
    ),
    "file named in a call of a declaration": (
        "@ag.step\ndef f(x: int) -> str:\n"
        "    return ag.whole(pathlib.Path(__file__).with_name('codes.txt').read_text()).value\n",
        {"codes.txt": "a"}, {"codes.txt": ("a", "b")},
    ),
    "docstring that is read": (
        "def prompt():\n    'one'\n@ag.step\ndef f(x: int) -> str:\n    return prompt.__doc__\n", {},
        {"project.py": ("'one'", "'two'")},
    ),
    "method of what an annotation names": (
        "import msgspec\nclass S(msgspec.Struct):\n    a: int = 1\n    def total(self):\n        return self.a + 1\n"
        "@ag.step\ndef f(x: S = S()) -> int:\n    return x.total()\n", {},
        {"project.py": ("self.a + 1", "self.a + 2")},
    ),
}  # fmt: skip
"""Files of a project, and an edit that changes what its step gives by ways that are easily overlooked."""
HEAD = "import pathlib\nimport argosy as ag\n@ag.pipeline\ndef go():\n    return [f()]\n"


@pytest.mark.parametrize("what", TRAPS)
def test_what_is_easily_overlooked_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    body, files, edit = TRAPS[what]
    workshop = Workshop(tmp_path, {"project.py": HEAD + body, **files})
    monkeypatch.syspath_prepend(str(tmp_path / "files"))

    def made() -> tuple[object, str]:
        step = vars(load(tmp_path / "files" / "project.py")[1])["f"]
        given = () if step.interface.inputs["x"].default is not MISSING else (3,)
        return step(*given), recipe.of(step, {}).digest

    gives, digest = made()
    assert made() == (gives, digest)
    workshop.edit(edit)
    other, changed = made()
    assert other != gives and changed != digest


def test_formats_of_modules_that_are_gone_do_not_count(tmp_path: Path) -> None:
    step = "@ag.step\ndef f(x: int) -> int:\n    return x\n"
    own = "class P: ...\n@ag.format(P)\nclass PF(ag.Format):\n    name = 'p-of-one'\n    save = load = None\n"
    one = Workshop(tmp_path / "one", {"project.py": HEAD + step + own})
    two = Workshop(tmp_path / "two", {"project.py": HEAD + step})
    found = [recipe.of(vars(load(each.root / "files" / "project.py")[1])["f"], {}) for each in (two, one, two)]
    assert found[0] == found[2] != found[1]


CLASH = """
import functools
def shape(x: int) -> int: ...
def make(by):
    @functools.wraps(shape)
    def inner(x):
        return x * by
    return inner
f, g = ag.step(make(3)), ag.step(name="g")(make(4))
@ag.pipeline
def both():
    return [f(1), g(1)]
"""


def test_functions_of_one_name_cannot_be_told_apart(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, {"project.py": HEAD + CLASH})
    _, module = load(workshop.root / "files" / "project.py")
    with pytest.raises(DeclarationError, match="step shape is of a function that is called project:shape, and so is"):
        module.both.trace({})
    with pytest.raises(DeclarationError, match=r"environment is .* as step g of the same function says"):
        ag.step(environment=["TZ"])(module.g.plain)
