"""Which notebooks cannot be parted into steps, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.errors import InputError
from argosy.pipelines.notebook.contents import contents
from argosy.pipelines.notebook.wiring import wire
from tests.pipelines.notebook.paper import opened


def test_steps_take_and_give_what_others_need(tmp_path: Path) -> None:
    cells = (
        ("parameters", "depth = 1\nwidth = 2"),
        ("step:make", "spare = 0\nb = 1\na = width"),
        ("step:use", "if depth > a:\n    b = a\nfor i in range(3):\n    c = i + b"),
        ("step:end", "# returns: c, b\nc + b + depth\ndel a"),
    )
    found = wire(contents(opened(tmp_path, *cells)))
    assert [(each.name, each.takes, each.gives) for each in found.steps] == [
        ("make", ("width",), ("b", "a")), ("use", ("a", "b", "depth"), ("b", "c")), ("end", ("a",), ()),
    ]  # fmt: skip
    assert found.returns == ("c", "b")


def test_cells_of_one_name_move_up_where_that_means_the_same(tmp_path: Path) -> None:
    cells = (("step:a", "x = 1"), ("step:b", "y = x + 1"), ("step:a", "z = x + 2"), ("step:c", "y + z"))
    found = wire(contents(opened(tmp_path, *cells)))
    assert [(each.name, each.gives) for each in found.steps] == [("a", ("x", "z")), ("b", ("y",)), ("c", ())]


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (
            "a = []\nb = a",
            "b.append(1)",
            "cell 2 (b.append(1)) changes b, which may share an object with a",
        ),
        ("a = {}\nb = a['k']", "a['k'] = 1\nc = b", ""),
        ("a = []\nb = a[:]", "a.append(1)\nb = 1", ""),
        ("a = []\nb = list(a)", "b.append(1)", ""),
        ("a = []\nb = a\n", "b = b + [1]", ""),
    ],
)
def test_an_object_of_two_names_is_told_of(tmp_path: Path, first: str, second: str, told: str) -> None:
    found = wire(contents(opened(tmp_path, ("step:one", first), ("step:two", second), ("step:three", "len(a)"))))
    assert "; ".join(found.notes).partition(":")[0] == told


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([("step:a", "y = x")], "cell 1 (y = x) reads x, which nothing before it makes"),
        ([("step:a", "y = x"), ("step:b", "x = 1")], "cell 1 (y = x) reads x, which nothing before it makes"),
        ([("step:a", "x = 1\ndel x"), ("step:b", "x")], "cell 2 (x) reads x, which nothing before it makes"),
        ([("step:a", "# returns: x\ny = 1")], "cell 1 (# returns: x) reads x, which nothing before it makes"),
        ([("step:a", "y = get_ipython()")], "cell 1 (y = get_ipython()) reads get_ipython, which only IPython knows"),
        (
            [("", "x = f()"), ("step:a", "y = x")],
            "cell 2 (y = x) reads x, which cell 1 (x = f()) makes, and that is left out",
        ),
        (
            [("parameters", "n = 1"), ("", "def f():\n    return n"), ("step:a", "y = f()")],
            "cell 2 (def f():) reads n, which belongs to the pipeline, not to the module",
        ),
        (
            [("", "x = []"), ("step:a", "x.append(1)"), ("step:b", "x")],
            "cell 2 (x.append(1)) changes x, which is made at the top of the module",
        ),
        ([("", "x = 1"), ("step:a", "x = x + 1")], "cell 2 (x = x + 1) changes x, which is made at the top"),
        (
            [("parameters", "x = [1]"), ("step:a", "x.append(1)")],
            "cell 2 (x.append(1)) changes the parameter x in place, and with it the default of the next run",
        ),
        ([("parameters", "x = 1"), ("", "x = 2"), ("step:a", "x")], "x is a parameter, and a name of the top"),
        ([("", "x = 1"), ("", "x = 2"), ("step:a", "x")], "cell 1 and cell 2 both define x"),
        (
            [("step:a", "x = 1\ndef f():\n    return x"), ("step:b", "f()")],
            "cell 1 (x = 1) defines f, which another step uses and which reads x of its own step",
        ),
        (
            [("step:a", "x = 1"), ("step:b", "x = 2"), ("step:a", "y = x")],
            "cell 3 cannot be one step a with cell 1: cell 2 comes between them, and what it does with x matters to it",
        ),
        ([("step:a", "x = []"), ("step:b", "y = x[0]"), ("step:a", "x.append(1)")], "what it does with x matters"),
        ([("step:a", "from os import *")], "cell 1 has 'from os import *', which hides what it defines"),
        ([("step:日", "x = 1")], "cell 1 (x = 1) is tagged step:日, which has no letter of a to z"),
    ],
)
def test_what_cannot_be_parted_names_cell_and_name(tmp_path: Path, cells: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(InputError) as caught:
        wire(contents(opened(tmp_path, *cells)))
    assert said in str(caught.value) and "\n  next: " in str(caught.value)
