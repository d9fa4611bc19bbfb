"""A cell as statements, each with its text and comments."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import InputError
from argosy.pipelines.notebook.cell import Cell
from argosy.pipelines.notebook.statement import body, indented


def lines(source: str, indent: str = "") -> list[list[str]]:
    return [one.lines(indent) for one in body(Cell(1, source)).statements]


def test_comments_stay_with_what_they_are_about() -> None:
    source = "# one\na = 1  # of a\n\n\n# two\n@decorated\ndef f():\n    # inner\n    return 1\nb = 2\n# after"
    assert lines(source) == [
        ["# one", "a = 1  # of a"],
        ["# two", "@decorated", "def f():", "    # inner", "    return 1"],
        ["b = 2", "# after"],
    ]
    assert [one.gap for one in body(Cell(1, source)).statements] == [False, True, False]


def test_statements_of_one_line_part() -> None:
    assert lines("a = 'ä;'; b = (2,\n 3); c = 4;  # last") == [["a = 'ä;'"], ["b = (2,", " 3)"], ["c = 4  # last"]]


def test_the_inside_of_a_text_stays_where_it_is() -> None:
    source = 'a = """one  \n\n\n  two\n"""  \nif a:\n\n\n    b = f"""{a}\n  x"""\n    c = 1'
    assert lines(source, "    ") == [
        ['    a = """one  ', "", "", "  two", '"""'],
        ["    if a:", "", '        b = f"""{a}', '  x"""', "        c = 1"],
    ]


def test_returns_are_read_and_taken_off() -> None:
    found = body(Cell(1, "# returns: a, b\na = b = 1\n# returns:c\n"))
    assert (found.returns, found.statements[0].above) == (("a", "b", "c"), ())
    assert body(Cell(1, "a = '''\n# returns: a\n'''")).returns == ()


def test_lines_for_ipython_are_taken_off() -> None:
    found = body(
        Cell(1, "%%time\n%matplotlib inline\nif x:\n    !ls \\\n      -l\nfiles = !ls\nx??\ny = 5 % 3\nz = '?'")
    )
    assert found.left == ("%%time", "%matplotlib inline", "!ls \\", "files = !ls", "x??")
    assert [one.text for one in found.statements] == ["if x:\n\n    pass", "y = 5 % 3", "z = '?'"]
    assert body(Cell(1, "\n%%bash\nls")) == ((), (), ("%%bash",))


@pytest.mark.parametrize("source", ["a = ", "def f(:\n    pass", "return 1", "await f()", "a = 1\n  b = 2", "a\0"])
def test_what_is_no_python_is_refused(source: str) -> None:
    with pytest.raises(InputError, match=r"^cell 7 \(.*\) is no Python: .* in its line \d\n  next: mend the cell"):
        body(Cell(7, source))


@given(st.lists(st.sampled_from(["", " ", "a", "\u2028", "\\", "b  ", "#'"]), max_size=8).map("\n".join))
def test_indenting_means_the_same(text: str) -> None:
    source = f"x = r'''{text} '''\ny = [\n1,\n\n\n 2]\n"
    moved = "if True:\n" + "\n".join(indented(source, "    "))
    assert ast.dump(ast.Module(ast.parse(moved).body[0].body, [])) == ast.dump(ast.parse(source))  # type: ignore[attr-defined]
