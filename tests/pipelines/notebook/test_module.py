"""Notebooks as modules: the pipeline yields what the cells yield in order, and the text is as a linter leaves it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import argosy as ag
from argosy.errors import InputError
from argosy.pipelines.notebook.module import module
from tests.pipelines.notebook.paper import TEXT, imported, in_order, opened

LATE = (
    (TEXT, "# Which orders arrive late?\nAs of May."),
    ("imports", "import numpy as np, json\nfrom sklearn.linear_model import LogisticRegression\nimport io"),
    ("parameters", 'rows = 200\nshare = 0.25\nseed: int = 7\nnames = ["far", "heavy"]'),
    (TEXT, "## Helpers"),
    ("", "SCALE = 10.0\n\n# all columns alike\ndef scaled(table):\n    return table / SCALE"),
    (TEXT, "## Make the orders\nMore words."),
    ("step:orders", "random = np.random.default_rng(seed)\ntable = random.gamma(3.0, 12.0, (rows, len(names)))"),
    ("step:orders", "# far and heavy ones\nlate = table.sum(axis=1) > 70"),
    ("skip", "print(table[:3])"),
    ("step:split", "cut = int(rows * share)\ntest, train = scaled(table[:cut]), scaled(table[cut:])"),
    ("step:fit", "def fresh():\n    return LogisticRegression()\n\nmodel = fresh()\nmodel.fit(train, late[cut:])"),
    (TEXT, '## Judge "it"\n'),
    ("step", 'text = """score\n    of all"""\n(text, float(model.predict_proba(test)[0, late[0].astype(int)]))'),
)

DECIMAL = ("Decimal", "ROUND_HALF_UP", "getcontext", "localcontext", "Context", "InvalidOperation", "setcontext")
WIDE = (
    ("imports", "import collections.abc as abc, os\nfrom os import path, sep as part, PathLike, O_RDONLY, linesep"),
    ("imports", f"from decimal import {', '.join(DECIMAL)}\nimport numpy\nimport late"),
    ("parameters", "from pathlib import Path\nplace = Path('a/b')\nsizes = {'a': 1}\npair = (1,)\nnothing = None"),
    ("step:first", "\n".join(f"a_rather_long_name_{number} = {number}" for number in range(8))),
    ("step:second", "a_rather_long_name_0 += 1\nleft = 1\n\n\ndef inner():\n    return left + a_rather_long_name_1"),
    ("step:second", "# returns: left, a_rather_long_name_1\n\n\nleft += inner() + len([place, sizes, pair, nothing])"),
    ("step:third", "\n".join(f"print(a_rather_long_name_{number})" for number in range(8))),
)


def test_the_pipeline_yields_what_the_cells_yield(tmp_path: Path) -> None:
    found = imported(tmp_path, opened(tmp_path, *LATE))
    expected = in_order(LATE)["_"]
    assert found.late() == expected and expected[0] == "score\n    of all"
    assert found.late(share=0.5) != expected


def test_a_run_traces_every_step(tmp_path: Path) -> None:
    graph = imported(tmp_path, opened(tmp_path, *LATE), apart=False).late.trace({"rows": 100})
    assert [node.name for node in graph.nodes] == ["orders", "split", "fit", "judge_it"]


def test_the_pipeline_is_one(tmp_path: Path) -> None:
    found = imported(tmp_path, opened(tmp_path, *LATE))
    assert isinstance(found.late, ag.Pipeline)
    assert [(each.name, each.type, each.default) for each in found.late.parameters] == [
        ("rows", "int", 200), ("share", "float", 0.25), ("seed", "int", 7), ("names", "list[str]", ("far", "heavy")),
    ]  # fmt: skip


def test_the_text(tmp_path: Path) -> None:
    made = module(opened(tmp_path, *LATE))
    assert (made.name, made.pipeline, made.notes) == ("late", "late", ())
    assert made.text.splitlines()[:14] == [
        '"""Which orders arrive late?', "", "Made from late.ipynb.", '"""', "", "import io  # noqa: F401",
        "import json  # noqa: F401", "from typing import Annotated, Any", "", "import argosy as ag",
        "import numpy as np", "from sklearn.linear_model import LogisticRegression", "", "SCALE = 10.0",
    ]  # fmt: skip
    assert '    """Judge "it"."""\n' in made.text and '    """Cell 11 of late.ipynb."""\n' in made.text
    _, _, end = made.text.partition("@ag.pipeline\n")
    assert end.splitlines() == [
        "def late(",
        "    rows: int = 200,",
        "    share: float = 0.25,",
        "    seed: int = 7,",
        '    names: list[str] = ["far", "heavy"],',
        "):",
        '    """Which orders arrive late?"""',
        "    table, late = orders(rows, seed, names)",
        "    cut, test, train = split(table, rows, share)",
        "    model = fit(train, late, cut)",
        "    return judge_it(model, test, late)",
    ]


def test_a_linter_and_a_formatter_find_nothing(tmp_path: Path) -> None:
    for name, cells in {"late": LATE, "wide": WIDE}.items():
        made = module(opened(tmp_path, *cells, name=name), beside={"late"})
        (tmp_path / f"{made.name}.py").write_text(made.text)
    ruff = Path(sys.executable).with_name("ruff")
    for command in (["check", "--select", "E4,E7,E9,F,I,UP,RUF100"], ["format", "--diff"]):
        given = [ruff, *command, "--isolated", "late.py", "wide.py"]
        done = subprocess.run(given, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_input_that_is_changed_is_handed_on(tmp_path: Path) -> None:
    cells = (
        ("", "def add(table, key):\n    table[key] = 1\n\ndef deeper(key, *, into):\n    add(into, key)"),
        ("step:make", "table = {}\nitems = [1]\nnested = {'a': []}"),
        ("step:one", "table['b'] = len(items)"),
        ("step:two", "items.append(2)\nnested['a'].append(table['b'])"),
        ("step:three", "add(table, 'c')\nlast = nested['a'].pop()"),
        ("step:four", "deeper('d', into=table)"),
        ("step:five", "len(items)\nprint(table)\n(table, items, nested, last)"),
    )
    names = in_order(cells)
    assert names["table"] == {"b": 1, "c": 1, "d": 1}
    assert imported(tmp_path, opened(tmp_path, *cells)).late() == (names["table"], [1, 2], {"a": []}, 1)


def test_a_name_of_an_artifact_or_a_builtin_is_no_function(tmp_path: Path) -> None:
    cells = (("step:rows", "rows = [1]"), ("step:sum", "total = sum(rows)"), ("step:late", "late = total + 1"))
    made = module(opened(tmp_path, *cells))
    assert '@ag.step(name="rows")\ndef rows_step():' in made.text and "def sum_step(rows):" in made.text
    assert (made.name, made.pipeline) == ("late", "late") and "late = late_step(total)" in made.text
    assert imported(tmp_path, opened(tmp_path, *cells)).late() == 2
    assert module(opened(tmp_path, *cells, name="calendar")).name == "calendar_pipeline"


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("total = 4\nprint(total)", 4),
        ("total: int = 5", 5),
        ("total = 1\ntotal += 5", 6),
        ("one, two = 7, 8", (7, 8)),
        ("# returns: two, one\none = two = 9", (9, 9)),
        ("max(10, 1);", 10),
        ("(\n    max(\n        11, 1\n    )\n)  # the most", 11),
        ("total = 1\ntotal == 1", True),
        ("for one in range(3):\n    print(one)", None),
    ],
)
def test_what_the_last_step_shows_is_returned(tmp_path: Path, last: str, expected: object) -> None:
    assert imported(tmp_path, opened(tmp_path, ("step:last", last))).late() == expected


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    cells = (
        ("imports", "import numpy as np\nimport calendar as plots\n%matplotlib inline"),
        ("hide-input", "plots.month(2024, 1)"),
        ("skip", "no python"),
        ("step:one", "%%time\n!ls -l \\\n  /tmp\nif True:\n    %pwd\nfiles = !ls\nx = np.abs(-1)\nx?\ndisplay(x)\nx"),
        ("", "%%bash\nls"),
    )
    made = module(opened(tmp_path, *cells))
    assert made.notes == (
        "cell 1 is kept without its line %matplotlib inline",
        "cell 2 (plots.month(2024, 1)) is left out: its tags (hide-input) say nothing of what it is for",
        "cell 4 is kept without its line %%time",
        "cell 4 is kept without its line !ls -l \\",
        "cell 4 is kept without its line %pwd",
        "cell 4 is kept without its line files = !ls",
        "cell 4 is kept without its line x?",
        "cell 4 is kept without its line display(x)",
        "cell 5 (%%bash) is left out: it has no tag of what it is for",
        "the import of plots is left out: only what is left out needs it",
    )
    assert imported(tmp_path, opened(tmp_path, *cells)).late() == 1


INTEGERS, LISTS = st.permutations("abc"), st.permutations("xyz")
LINES = (
    "{a} = {b} + {c}", "{a} += {b}", "{a}, {b} = {b}, {a}", "{a} = len({x})", "{a} = sum(i + {b} for i in {x}) % 97",
    "if {a} % 2:\n    {b} = {c}\nelse:\n    {c} = {a}", "for i in range(3):\n    {a} = ({a} + i) % 97",
    "if {a} > 4:\n    {x} = [{b}]", "{x}.append({a})", "{x} = [*{y}, {a}]", "{x}[0:1] = [{a}]", "add({x}, {a})",
    "{x} += [{a}]", "{x} = sorted({y})", "while len({x}) < 3:\n    {x}.append({a})",
    "try:\n    {x}[9] = 1\nexcept IndexError as error:\n    {a} = 0", "{a} = {x}.pop() if {x} else 0",
    "temporary = {a}\n{b} = temporary + 1", "with nullcontext({a}) as {b}:\n    {c} = {b}",
    "match {x}:\n    case [{a}, *{y}]:\n        {b} = {a}\n    case _:\n        {c} = 1",
    "twice = lambda z: z + {a}\n{b} = twice(1)", "[{x}.append(i) for i in range(2)]", "({a} := {b} + 2)", "{x}[1:]",
    "for part in ({x}, {y}):\n    part.append({a})", "part = {x}\npart.append({a})",
    "def inner(z):\n    return z + OFFSET\n{b} = inner({a})", "del {x}[:1]",
)  # fmt: skip


@st.composite
def programs(draw: st.DrawFn) -> tuple[tuple[str, str], ...]:
    """A notebook whose steps change three numbers and three lists at random."""
    cells = []
    for place in range(draw(st.integers(1, 6))):
        lines = draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=3))
        (a, b, c), (x, y, _) = draw(INTEGERS), draw(LISTS)
        text = "\n".join(line.format(a=a, b=b, c=c, x=x, y=y) for line in lines).replace("inner", f"inner{place}")
        cells.append((draw(st.sampled_from(["step:one", "step:two", "step:three", "step"])), text))
    start = ("step:start", "x, y, z, c = [1], [], [5, 2], start_at")
    end = ("step:end", "# returns: a, b, c, x, y, z\nx = list(x)")
    helpers = ("", "from contextlib import nullcontext\nOFFSET = 3\ndef add(items, item):\n    items.insert(0, item)")
    return (helpers, ("parameters", "a = 1\nb = 2\nstart_at = 3"), start, *cells, end)


@given(programs())
@settings(max_examples=150, suppress_health_check=[HealthCheck.filter_too_much])
def test_any_notebook_yields_the_same_as_a_pipeline(cells: tuple[tuple[str, str], ...]) -> None:
    names = in_order(cells)
    with TemporaryDirectory() as place:
        try:
            found = imported(Path(place), opened(Path(place), *cells))
        except InputError as error:
            assert "cannot be one step" in str(error)
            assume(False)
        assert found.late() == tuple(names[name] for name in "abcxyz")
