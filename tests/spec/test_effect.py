"""What the statements of a module change while it is imported."""

from __future__ import annotations

import ast

import pytest

from argosy.spec.effect import Effects


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("T.update(a=1)", {"T"}),
        ("_ = T.update(a=1)", {"T"}),
        ("[T.append(x) for x in X]", {"T"}),
        ("assert T.pop()", {"T"}),
        ("configure(T)", {"T"}),
        ("U = configure(T)", set()),
        ("print(T)", set()),
        ("T = sorted(U)", set()),
        ("def f(t):\n    t['a'] = 1\nf(T)", {"T"}),
        ("def f(t):\n    return t['a']\nf(T)", set()),
        ("def f(t):\n    t['a'] = 1\nU = f(T)", {"T"}),
        ("def f():\n    global K\n    K = 1\nf()", {"K"}),
        ("def f():\n    T['a'] = 1\ndef g():\n    f()\ng()", {"T"}),
        ("def f():\n    t = {}\n    t['a'] = 1\nf()", set()),
        ("def f():\n    T['a'] = 1", set()),
        ("def keep(f):\n    T[f.__name__] = f\n    return f\n@keep\ndef g():\n    U.clear()", {"T"}),
        ("def keep(name):\n    def inner(f):\n        T[name] = f\n    return inner\n@keep('g')\ndef g(): ...", {"T"}),
        ("class B:\n    def __init_subclass__(cls):\n        T.append(cls)\nclass C(B): ...", {"T"}),
        ("class B:\n    def __init__(self):\n        T.append(self)\nb = B()", {"T"}),
        ("for row in T:\n    row.clear()", {"row", "T"}),
        ("part = T['a']\npart.clear()", {"part", "T"}),
        ("setattr(C, 'k', 1)", {"C"}),
        ("f = lambda: T.clear()", set()),
    ],
)
def test_what_the_last_statement_changes(source: str, changed: set[str]) -> None:
    body = ast.parse(source).body
    assert Effects(body).of(body[-1]) == changed
