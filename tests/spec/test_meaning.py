"""Meaning: which annotations count, and that what is taken off leaves the rest as it was."""

from __future__ import annotations

import pytest

from argosy.spec.syntax import Definition, Module

HEAD = """
import dataclasses, functools, typing
import argosy as ag
import msgspec
import pandera
"""


def definition(source: str, name: str = "f") -> Definition:
    """How a name of a module is made."""
    return Module("m", (HEAD + source).encode(), None).definition(name)


FUNCTION = "def f(a, /, b=1, *c, d=2, **e):\n    x = a\n    return x\n"

SAME = [
    (FUNCTION, FUNCTION.replace("a, /", "a: int, /")),
    (FUNCTION, FUNCTION.replace("b=1", "b: 'text' = 1")),
    (FUNCTION, FUNCTION.replace("*c", "*c: list[int]").replace("d=2", "d: int = 2").replace("**e", "**e: int")),
    (FUNCTION, FUNCTION.replace("):", ") -> ag.Fleet:")),
    (FUNCTION, FUNCTION.replace("x = a", "x: int = a")),
    (FUNCTION, "async " + FUNCTION.replace("a, /", "a: int, /").replace("async ", "")),
    ("f = 1", "f: typing.Final = 1"),
    ("def f(s):\n    s.x = 1", "def f(s):\n    s.x: int = 1"),
    ("def f(s):\n    x: int\n    x = 1", "def f(s):\n    x: str\n    x = 1"),
    ("def f():\n    def g(a): return a\n    return g", "def f():\n    def g(a: int) -> int: return a\n    return g"),
    ("class f:\n    x = 1\n    def g(self, a): y = 2", "class f:\n    x: int = 1\n    def g(self, a: int): y: int = 2"),
    ("class f(list):\n    def g(self, a): y = 2", "class f(list):\n    def g(self, a): y: int = 2"),
    ("class f:\n    @property\n    def g(self): return 1", "class f:\n    @property\n    def g(self) -> int: return 1"),
    ("@functools.cache\ndef f(a): return a", "@functools.cache\ndef f(a: int) -> int: return a"),
    ("@ag.feature_view(dataset='d')\ndef f(a): return a", "@ag.feature_view(dataset='e')\ndef f(a: int): return a"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_annotations_that_nothing_reads_do_not_count(one: str, other: str) -> None:
    if other.startswith("async"):
        one = "async " + one
    assert definition(one).digest == definition(other).digest


FIELDS = "    x: int\n    y: int = 1\n"

METHOD = "    def g(self, a: int) -> int: return a\n"

OTHER = [
    (FUNCTION, FUNCTION.replace("b=1", "b: int = 2")),
    (FUNCTION, FUNCTION.replace("d=2", "d: int = 3")),
    (FUNCTION, FUNCTION.replace("b=1", "bb=1")),
    (FUNCTION, FUNCTION.replace("a, /", "a")),
    (FUNCTION, FUNCTION.replace("*c", "*")),
    (FUNCTION, FUNCTION.replace("x", "z")),  # a local name: the same in meaning, told apart
    ("f: int = 1", "f: int = 2"),
    ("def f():\n    return x", "def f():\n    x: int\n    return x"),
    *(
        (head + FIELDS, head + FIELDS.replace("int", "str", 1))
        for head in (
            "@dataclasses.dataclass\nclass f:\n", "@dataclasses.dataclass(frozen=True)\nclass f:\n",
            "class f(msgspec.Struct):\n", "class f(typing.NamedTuple):\n", "class f(typing.TypedDict):\n",
            "class f(metaclass=Own):\n",
        )
    ),
    ("class f(msgspec.Struct):\n" + FIELDS, "class f(msgspec.Struct):\n" + FIELDS.replace("int = 1", "int = 2")),
    ("def f():\n    class G(g):\n        x: int", "def f():\n    class G(g):\n        x: str"),
    ("class f(msgspec.Struct):\n    if a:\n        x: int", "class f(msgspec.Struct):\n    if a:\n        x: str"),
    ("@pandera.check_types\ndef f(a: int): return a", "@pandera.check_types\ndef f(a: str): return a"),
    *(
        (head + METHOD, head + METHOD.replace("int", "str", number))
        for number in (1, -1)
        for head in ("class f(Validated):\n", "class f(metaclass=Own):\n", "@validated\nclass f:\n")
    ),
    ("@g.register\ndef f(a: int): return a", "@g.register\ndef f(a: str): return a"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_means_something_else_counts(one: str, other: str) -> None:
    assert definition(one).digest != definition(other).digest


def test_annotations_within_a_method_of_a_struct_do_not_count_and_after_it_fields_do() -> None:
    body = "class f(msgspec.Struct):\n    def g(self):\n        y: int = 2\n    z: int\n"
    assert definition(body).digest == definition(body.replace("y: int", "y: str")).digest
    assert definition(body).digest != definition(body.replace("z: int", "z: str")).digest


def test_what_annotations_name_is_not_read_but_hinted_at() -> None:
    found = definition("import frames\ndef f(rows: frames.Rows) -> pandera.DataFrame[own]:\n    return rows\nown = 1")
    assert found.chains == ()
    assert found.hints == (("frames", "Rows"), ("own",), ("pandera", "DataFrame"))


def test_a_variable_that_is_only_annotated_stays_local() -> None:
    body = "def f():\n    x: int\n    def g():\n        nonlocal x\n        x = 1\n    g()\n    return x\nx = 5\n"
    assert definition(body).chains == ()
