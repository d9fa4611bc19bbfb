"""The truth table of code: what changes a fingerprint, and what must not."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from argosy.errors import DeclarationError
from argosy.spec.code import fingerprint
from argosy.spec.function import resolve
from tests.spec.village import House


def test_parts_name_everything_reached(house: House) -> None:
    found = house.print()
    assert set(found.parts) == {
        "house.flights:late", "house.flights:LIMIT", "house.flights:TABLE", "house.flights:even", "house.flights:odd",
        "house.extra:bonus", "house.shapes:area", "house.shapes:SIDE", "house.numbers:square", "house.steps:clean",
        "house.units:MINUTE", "house.models:Delay", "house.ground:Ground",
    }  # fmt: skip
    assert found.packages == ("numpy", "polars", "scipy")


SAME = [
    ("flights.py", "  # a comment", "  # another"),
    ("flights.py", '"""Whether a flight is late."""', '"""Said otherwise,\n    at length."""'),
    ("flights.py", '    """Whether a flight is late."""\n', ""),
    ("flights.py", 'LIMIT + TABLE["a"]', '(\n        LIMIT\n        + TABLE["a"]\n    )'),
    ("flights.py", "def unrelated(rows):", "\n\n\ndef unrelated(rows):"),
    ("flights.py", "return rows + IDLE", "return rows - IDLE"),
    ("flights.py", "IDLE = 3", "IDLE = 4"),
    ("flights.py", "LIMIT = 99", "LIMIT = 98"),
    ("flights.py", "LIMIT = 15", "LIMIT: int = 15"),
    ("flights.py", "grace: int = 5", "grace: house.units.Minutes | None = 5"),
    ("shapes.py", "def area(rows):", "def area(rows: 'Rows') -> float:"),
    ("flights.py", "def scale(rows):\n    return rows", "def scale(rows):\n    return -rows"),
    ("shapes.py", "return 4", "return 5"),
    ("shapes.py", "SIDE = 2", "SIDE = 0x2"),
    ("steps.py", "def clean(rows):", "def clean(\n    rows,\n):\n    '''Cleans.'''"),
]


@pytest.mark.parametrize(("file", "old", "new"), SAME)
def test_same_meaning_same_print(house: House, file: str, old: str, new: str) -> None:
    before = house.print()
    house.edit(file, old, new)
    assert house.print() == before


@pytest.mark.parametrize(
    ("file", "old", "new", "part", "how"),
    [
        ("flights.py", "even(4)", "even(5)", "house.flights:late", "changed"),
        ("flights.py", "grace: int = 5", "grace: int = 6", "house.flights:late", "changed"),
        ("flights.py", "LIMIT = 15", "LIMIT = 16", "house.flights:LIMIT", "changed"),
        ("flights.py", 'TABLE["b"] = 2', 'TABLE["b"] = 3', "house.flights:TABLE", "changed"),
        ("flights.py", 'TABLE["b"] = 2', "TABLE.update(c=3)", "house.flights:TABLE", "changed"),
        ("flights.py", "return number != 0", "return number != 1", "house.flights:odd", "changed"),
        ("flights.py", "import numpy as np", "import scipy as np", "house.flights:late", "changed"),
        ("flights.py", "clean as tidy", "other as tidy", "house.steps:*", "added"),
        ("flights.py", "from .extra import *", "from .units import *\nbonus = len", "house.flights:bonus", "added"),
        ("extra.py", "return 1", "return 2", "house.extra:bonus", "changed"),
        ("shapes.py", "square(SIDE)", "square(SIDE) + 1", "house.shapes:area", "changed"),
        ("shapes.py", "SIDE = 2", "SIDE = 3", "house.shapes:SIDE", "changed"),
        ("numbers.py", "* x", "+ x", "house.numbers:square", "changed"),
        ("units.py", "60", "61", "house.units:MINUTE", "changed"),
        ("models.py", "= limit", "= limit + 1", "house.models:Delay", "changed"),
        ("ground.py", "return x", "return -x", "house.ground:Ground", "changed"),
    ],
)
def test_other_meaning_other_print(house: House, file: str, old: str, new: str, part: str, how: str) -> None:
    original = {path: path.read_text() for path in house.root.rglob("*.py")}
    module = house.module()
    before = fingerprint(module.late)
    house.edit(file, old, new)
    after = fingerprint(module.late)  # read from the files: the module need not be imported again
    assert after.digest != before.digest
    assert before.changes(after)[part] == how
    for path, text in original.items():
        path.write_text(text)
    assert fingerprint(module.late) == before


def test_declaring_decorators_are_not_code(house: House) -> None:
    house.module()
    view = resolve("house.flights:view")
    before = fingerprint(view)
    house.edit("flights.py", 'ttl="6h"', 'ttl="7h"')
    house.edit("flights.py", "x.parquet", "y.parquet")
    assert fingerprint(view) == before
    house.edit("flights.py", '"origin")', '"dest")')
    assert before.changes(fingerprint(view)) == {"house.flights:view": "changed"}
    assert set(before.parts) == {"house.flights:view"}


def test_decorator_of_the_project_is_code(house: House) -> None:
    house.edit("flights.py", "def even", "@shapes.perimeter\ndef even")
    before = house.print("odd")
    house.edit("shapes.py", "return 4", "return 5")
    assert before.changes(house.print("odd")) == {"house.shapes:perimeter": "changed"}


def test_module_used_as_a_whole(house: House) -> None:
    before = house.print("whole")
    house.edit("shapes.py", "return 4", "return 5")
    assert before.changes(house.print("whole")) == {"house.shapes:*": "changed"}


DISPATCH = """
from __future__ import annotations
import functools, typing
import house.units

@functools.singledispatch
def area(x):
    return 0

@area.register
def _(x: int):
    return house.units.MINUTE

def reads(x):
    return typing.get_type_hints(plain), plain

def plain(x: "int", y: house.shapes.Rows = 1) -> None:
    return x

def uses(x):
    return plain(x), area(x)
"""


def test_what_is_registered_is_reached(house: House) -> None:
    (house.root / "house/dispatch.py").write_text(DISPATCH)
    before = [fingerprint(house.module("house.dispatch").area), fingerprint(house.module("house.dispatch").uses)]
    assert all("house.units:MINUTE" in each.parts for each in before)
    house.edit("dispatch.py", "x: int", "x: float")
    module = house.module("house.dispatch")
    for old, new in zip(before, (fingerprint(module.area), fingerprint(module.uses)), strict=True):
        assert old.changes(new) == {"house.dispatch:area": "changed"}


def test_annotations_count_where_the_code_names_what_reads_them(house: House) -> None:
    (house.root / "house/dispatch.py").write_text(DISPATCH)
    module = house.module("house.dispatch")
    reads, uses = fingerprint(module.reads), fingerprint(module.uses)
    house.edit("dispatch.py", '"int"', '"str"')
    assert reads.changes(fingerprint(module.reads)) == {"house.dispatch:plain": "changed"}
    assert uses == fingerprint(module.uses)
    assert "house.shapes:*" in reads.parts and "house.shapes:*" not in uses.parts  # where the annotation leads


def test_import_inside_a_body(house: House) -> None:
    before = house.print("inside")
    house.edit("numbers.py", "* x", "+ x")
    assert before.changes(house.print("inside")) == {"house.numbers:square": "changed"}


def test_name_reexported_by_a_package(house: House) -> None:
    house.edit("flights.py", "shapes.area(rows)", "house.area(rows)")
    assert "house.numbers:square" in house.print().parts


def test_imports_in_a_circle(house: House) -> None:
    late = house.module().late
    (house.root / "house/extra.py").write_text("from house.flights import bonus\n")
    (house.root / "house/flights.py").write_text(
        "import house.extra\nfrom house.extra import bonus\ndef late():\n    return house.extra.bonus, bonus\n"
    )
    # Neither module defines the name: anything in them may be meant.
    assert fingerprint(late).parts.keys() == {"house.flights:late", "house.flights:*", "house.extra:*"}


def test_closure_values_count(house: House) -> None:
    make = house.module().make
    two, again, three = (fingerprint(make(factor)) for factor in (2, 2, 3))
    assert two == again
    name = "house.flights:make.<locals>.scaled"
    assert two.changes(three) == {f"{name}[factor]": "changed", f"{name}[default 0]": "changed"}
    house.edit("flights.py", "LIMIT = 15", "LIMIT = 16")
    assert two.changes(fingerprint(make(2))) == {"house.flights:LIMIT": "changed"}


def test_closure_over_a_function_follows_it(house: House) -> None:
    module = house.module()
    before = fingerprint(module.make(module.shapes.area))
    house.edit("numbers.py", "* x", "+ x")
    assert before.changes(fingerprint(module.make(module.shapes.area))) == {"house.numbers:square": "changed"}


def test_closure_over_itself(house: House) -> None:
    recursive = house.module().recursive
    assert fingerprint(recursive(1)) == fingerprint(recursive(1)) != fingerprint(recursive(2))


@pytest.mark.parametrize("value", [threading.Lock(), np.zeros(2), object()])
def test_closure_over_what_has_no_stable_form(house: House, value: object) -> None:
    with pytest.raises(DeclarationError, match=r"'factor' in house.flights:make.* no stable fingerprint"):
        fingerprint(house.module().make(value))


def test_lambdas(house: House) -> None:
    module = house.module()
    prints = [fingerprint(one) for one in (module.double, *module.pair)]
    assert len({found.digest for found in prints}) == 3
    house.edit("flights.py", "value + LIMIT)", "value - LIMIT)")
    module = house.module()
    again = [fingerprint(one) for one in (module.double, *module.pair)]
    assert [old == new for old, new in zip(prints, again, strict=True)] == [True, True, False]


def test_classes_and_methods(house: House) -> None:
    models = house.module("house.models")
    assert fingerprint(models.Delay).parts.keys() == {"house.models:Delay", "house.ground:Ground"}
    assert fingerprint(models.Delay.__init__).parts == fingerprint(models.Delay).parts


def test_functions_of_packages_have_no_parts() -> None:
    found = fingerprint(np.mean)
    assert (found.parts, found.packages) == ({}, ("numpy",))
    assert found.digest != fingerprint(np.sum).digest
    assert fingerprint(os.path.join).packages == ()
    assert fingerprint(len).parts == {}


def test_code_that_lies_elsewhere_and_is_not_installed_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a package on the path does, or one that is installed so that it can be edited."""
    project, library = tmp_path / "project", tmp_path / "library"
    (library / "afar").mkdir(parents=True)
    project.mkdir()
    (library / "afar" / "__init__.py").write_text("")
    (library / "afar" / "shop.py").write_text("def price():\n    return 1\n")
    (project / "nearby.py").write_text(
        "from afar.shop import price\ndef ask():\n    return price()\ndef late():\n    import afar.shop\n"
        "    return afar.shop.price()\n"
    )
    monkeypatch.syspath_prepend(str(library))
    monkeypatch.syspath_prepend(str(project))
    import nearby  # type: ignore[import-not-found]

    before = [fingerprint(each) for each in (nearby.ask, nearby.late)]
    assert all("afar.shop:price" in each.parts for each in before)
    (library / "afar" / "shop.py").write_text("def price():\n    return 2\n")
    assert [fingerprint(each).changes(old) for each, old in zip((nearby.ask, nearby.late), before, strict=True)] == [
        {"afar.shop:price": "changed"}
    ] * 2


def test_roots_may_be_given(house: House, tmp_path: Path) -> None:
    late = house.module().late
    assert fingerprint(late, roots=[tmp_path]) == fingerprint(late)
    other = fingerprint(late, roots=[tmp_path / "elsewhere"])
    assert (other.parts, other.packages) == ({}, ("house",))


def test_broken_helper(house: House) -> None:
    late = house.module().late
    house.edit("numbers.py", "* x", "* (x")
    with pytest.raises(DeclarationError, match=r"module house\.numbers in .*numbers\.py cannot be read"):
        fingerprint(late)


def test_not_a_function() -> None:
    with pytest.raises(DeclarationError, match="is a int: only functions and classes have code"):
        fingerprint(5)  # type: ignore[arg-type]


def test_defined_in_text() -> None:
    space: dict[str, Callable[..., Any]] = {}
    exec("def made(x):\n    return x", {"__name__": "__nowhere__"}, space)
    with pytest.raises(DeclarationError, match="source of __nowhere__:made cannot be found"):
        fingerprint(space["made"])


_NOTEBOOK = """
import linecache, sys
sys.path.insert(0, {root!r})
from argosy.spec.code import fingerprint
def cell(number, text):
    name = f"<cell {{number}}>"
    linecache.cache[name] = len(text), None, text.splitlines(True), name
    exec(compile(text, name, "exec"), globals())
cell(1, "import numpy as np\\nfrom house.shapes import area\\nLIMIT = {limit}")
cell(2, "def helper(x):\\n    return (late and x) + LIMIT")
cell(3, "def late(x):\\n    return np.mean(helper(area(x)))")
found = fingerprint(late, roots=[{root!r}])
print(found.digest, *found.parts, *found.packages)
"""


@pytest.mark.slow
def test_functions_of_a_notebook(house: House) -> None:
    def run(limit: int) -> list[str]:
        program = _NOTEBOOK.format(root=str(house.root), limit=limit)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.split()

    one, again, other = run(1), run(1), run(2)
    assert one == again != other
    assert {"__main__:late", "__main__:helper", "house.numbers:square", "numpy"} <= set(one)


def test_script_and_module_are_the_same(house: House) -> None:
    path = house.root / "script.py"
    path.write_text(
        "from argosy.spec.code import fingerprint\nfrom house.shapes import area\n"
        "def late(x):\n    return area(x)\nif __name__ == '__main__':\n    print(fingerprint(late).digest)\n"
    )
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True, timeout=60)
    module = importlib.import_module("script")
    try:
        assert done.stdout.strip() == fingerprint(module.late).digest
    finally:
        del sys.modules["script"]
