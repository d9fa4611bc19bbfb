"""Syntax: which names a definition reads by way of `getattr` and `globals`, and which texts it holds."""

from __future__ import annotations

import pytest

from argosy.spec.syntax import WHOLE, Module


def module(source: str) -> Module:
    """A module of some source."""
    return Module("m", source.encode(), None)


@pytest.mark.parametrize(
    ("body", "chains"),
    [
        ("getattr(shapes, 'area')(rows)", {("shapes", "area")}),
        ("getattr(getattr(house, 'units'), 'MINUTE')", {("house", "units", "MINUTE")}),
        ("getattr(house.units, 'MINUTE').real", {("house", "units", "MINUTE", "real")}),
        ("getattr(shapes, 'area', LIMIT)", {("shapes", "area"), ("LIMIT",)}),
        ("getattr(make(LIMIT), 'area')", {("make",), ("LIMIT",)}),
        ("getattr(rows, 'area')", set()),
        ("getattr(shapes, rows)", {("getattr",), ("shapes",)}),
        ("getattr(shapes, 'area' + rows)", {("getattr",), ("shapes",)}),
        ("globals()['LIMIT']", {("LIMIT",)}),
        ("globals()['shapes'].area(rows)", {("shapes", "area")}),
        ("getattr(globals()['shapes'], 'area')", {("shapes", "area")}),
        ("globals()[rows]", {(WHOLE,)}),
        ("globals().get('LIMIT')", {(WHOLE,)}),
        ("[rows, globals]", {(WHOLE,)}),
    ],
)
def test_names_that_are_read(body: str, chains: set[tuple[str, ...]]) -> None:
    assert set(module(f"def f(rows):\n    return {body}\n").definition("f").chains) == chains


def test_a_constant_that_is_set_through_globals() -> None:
    found = module("LIMIT = 1\nglobals()['LIMIT'] = 2\nglobals()['OTHER'] = 3\n")
    assert found.definition("LIMIT").digest != module("LIMIT = 1\n").definition("LIMIT").digest
    assert "OTHER" in found.statements


@pytest.mark.parametrize(
    ("body", "lists", "reflects"),
    [
        ("HERE.glob('*')", True, False),
        ("os.listdir(HERE)", True, False),
        ("[*map(Path.iterdir, rows)]", True, False),
        ("getattr(HERE, 'rglob')('*')", True, False),
        ("rows.global_names", False, False),
        ("typing.get_type_hints(rows)", False, True),
        ("inspect.signature(rows)", False, True),
        ("rows.__annotations__", False, True),
        ("getattr(rows, '__annotations__')", False, True),
        ("dataclasses.dataclass(rows)", False, True),
        ("dataclass(frozen=True)(rows)", False, True),
        ("map(dataclass, rows)", False, True),
        ("dataclasses.replace(rows)", False, False),
    ],
)
def test_what_lists_folders_and_what_reads_annotations(body: str, lists: bool, reflects: bool) -> None:
    found = module(f"def f(rows):\n    return {body}\n").definition("f")
    assert (found.lists, found.reflects) == (lists, reflects)


def test_an_import_may_be_of_what_lists_and_a_decorator_reads_its_class_alone() -> None:
    found = module(
        "from os import walk as go\ndef f():\n    from os import walk as go\n    return go\n"
        "@dataclass\nclass A:\n    x: int\n@dataclasses.dataclass(frozen=True)\nclass B:\n    x: int\n"
    )
    assert found.definition("f").lists
    assert not found.definition("A").reflects and not found.definition("B").reflects


REGISTERS = """
import functools, numpy, area
from shapes import volume
@functools.singledispatch
def g(x):
    return x
@g.register
def _(x: int):
    return 1
@g.register(str)
def _(x):
    return 2
@volume.register
def square(x: int):
    return 3
@functools.cache
def plain(x):
    return 4
"""


def test_what_registers_itself_belongs_to_the_name_that_it_registers_with() -> None:
    found = module(REGISTERS)
    assert [len(found.statements[name]) for name in ("g", "_", "square", "plain", "volume")] == [3, 2, 1, 1, 1]
    assert not {"functools", "numpy", "area"} & found.statements.keys()
    before = found.definition("g").digest
    for old, new in (("x: int):\n    return 1", "x: float):\n    return 1"), ("return 2", "return 5")):
        assert module(REGISTERS.replace(old, new)).definition("g").digest != before
    assert module(REGISTERS.replace("return 4", "return 5")).definition("g").digest == before


def test_texts_are_constants_but_for_those_in_docstrings_annotations_and_declarations() -> None:
    found = module(
        "import argosy as ag\ndef f(rows: 'rows.txt', path='path.txt'):\n    'doc.txt'\n"
        "    source = ag.Parquet('source.txt')\n    return open(f'{rows}x.txt'), ['y.txt'], b'z.txt'\n"
    )
    assert found.definition("f").texts == {"path.txt", "x.txt", "y.txt", "z.txt"}


def test_a_text_within_a_call_of_a_declaration_counts_where_it_is_code() -> None:
    found = module(
        "import argosy as ag\ndef f():\n    return ag.Report(open('rows.txt'), ['title.txt'], to='to.txt')\n"
    )
    assert found.definition("f").texts == {"rows.txt"}


def test_docstrings_count_where_the_code_names_them() -> None:
    found = module("def f():\n    'ask'\n    return f.__doc__\n").definition("f")
    assert found.reflects
    assert module("def f():\n    'ask'\n").definition("f", annotated=True).digest != module(
        "def f():\n    'tell'\n").definition("f", annotated=True).digest  # fmt: skip


@pytest.mark.parametrize("branches", ["if X:\n    {}\nelse:\n    {}\n", "try:\n    {}\nexcept ImportError:\n    {}\n"])
def test_an_import_may_be_one_of_several_and_a_condition_decides(branches: str) -> None:
    found = module(branches.format("from one import f", "from two import f"))
    assert [each.module for each in found.imports["f"]] == ["one", "two"]
    assert len(found.statements["f"]) == 1
    assert "f" not in module("from one import f\n").statements
