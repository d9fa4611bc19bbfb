"""Constants as parameters, with the types that they tell."""

from __future__ import annotations

import pytest

from argosy.errors import InputError
from argosy.pipelines.notebook.cell import Cell
from argosy.pipelines.notebook.parameter import parameters
from argosy.pipelines.notebook.statement import body


def made(source: str, *, paths: bool = False) -> list[str]:
    statements = body(Cell(3, source)).statements
    return [str(each) for one in statements for each in parameters(one, paths=paths)]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("a = 1_000", "a: int = 1000"),
        ("a = -0.5", "a: float = -0.5"),
        ("a = True", "a: bool = True"),
        ("a = 'it\\'s'", 'a: str = "it\'s"'),
        ("a = 'say \"it\"'", "a: str = 'say \"it\"'"),
        ("a = None", "a=None"),
        ("a: 'int | None' = None", "a: 'int | None' = None"),
        ("a = ['x',\n 'y']", 'a: list[str] = ["x", "y"]'),
        ("a = [1, 2.5]", "a: list[float] = [1, 2.5]"),
        ("a = [1, 'x']", 'a: list = [1, "x"]'),
        ("a = []", "a: list = []"),
        ("a = (1,)", "a: tuple[int, ...] = (1,)"),
        ("a = {1, 2}", "a: set[int] = {1, 2}"),
        ("a = {'k': 1, 'l': 2}", 'a: dict[str, int] = {"k": 1, "l": 2}'),
        ("a = {'k': [1]}", 'a: dict = {"k": [1]}'),
    ],
)
def test_types(source: str, shown: str) -> None:
    assert made(source) == [shown]


def test_a_path_is_one_where_it_is_imported() -> None:
    assert made("a = Path('x/y')", paths=True) == ['a: Path = Path("x/y")']
    with pytest.raises(InputError):
        made("a = Path('x/y')")


def test_several_at_once_and_texts_between() -> None:
    assert made("'''about'''\na = b = 2") == ["a: int = 2", "b: int = 2"]


@pytest.mark.parametrize("source", ["a = 1 + n", "a = f()", "a, b = 1, 2", "a.b = 1", "print(1)", "a: int", "a += 1"])
def test_all_else_is_refused(source: str) -> None:
    with pytest.raises(InputError, match=r"^cell 3 is tagged parameters and holds .*no assignment of a constant"):
        made(source)
