"""What statements read before they bind it, bind, bind for sure, and delete."""

from __future__ import annotations

import ast

import pytest

from argosy.pipelines.notebook.flow import flow


@pytest.mark.parametrize(
    ("text", "reads", "binds", "sure"),
    [
        ("x = [i * k for i in rows]\ny = x", "k rows", "x y", "x y"),
        ("rows = [rows for rows in rows]", "rows", "rows", "rows"),
        ("x += 1\nx.y = z\nx[a] = b", "a b x z", "x", "x"),
        ("if c:\n    x = 1\nelse:\n    x = 2\n    y = x\nx, y", "c y", "x y", "x"),
        ("for i in rows:\n    last = i\nlast", "last rows", "i last", ""),
        ("while go:\n    x = go\nelse:\n    y = x", "go x", "x y", ""),
        ("with open(p) as f, g() as (a, b):\n    x = f\nx", "g open p", "a b f x", "a b f x"),
        ("try:\n    x = f()\nexcept E as e:\n    x = e\nfinally:\n    y = x", "E f", "e x y", "x y"),
        ("try:\n    x = f()\nexcept E:\n    z = x\nelse:\n    w = x", "E f x", "w x z", ""),
        (
            "match v:\n    case {'k': n, **r} if n > k:\n        a = n\n    case C(b=m):\n        a = m",
            "C k v",
            "a m n r",
            "",
        ),
        ("def f(a, b=c, *, d: T = e) -> R:\n    g = a\n    return g + h + f", "R T c e f h", "f", "f"),
        ("class K(B, metaclass=M):\n    x = y\n    def m(self):\n        return x", "B M x y", "K", "K"),
        ("f = lambda a: a + b", "b", "f", "f"),
        ("import a.b, c as d\nfrom e import f as g, h", "", "a d g h", "a d g h"),
        ("x: int\ny: int = z", "int z", "y", "y"),
        ("if (n := f()) > 1:\n    n", "f", "n", "n"),
        ("def f():\n    global g\n    g = 1", "g", "f", "f"),
    ],
)
def test_flow(text: str, reads: str, binds: str, sure: str) -> None:
    found = flow(ast.parse(text).body)
    assert [" ".join(sorted(names)) for names in found[:3]] == [reads, binds, sure]


def test_what_is_deleted_is_gone_until_it_is_bound_again() -> None:
    assert flow(ast.parse("x = 1\ndel x, y").body).gone == {"x", "y"}
    assert flow(ast.parse("del x\nx = 1").body).gone == frozenset()
    assert flow(ast.parse("if c:\n    del x").body).gone == frozenset()
    assert flow(ast.parse("x = 1\ndel x\nx").body).reads == {"x"}
