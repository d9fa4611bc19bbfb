"""Whose objects code changes in place."""

from __future__ import annotations

import ast

import pytest

from argosy.pipelines.notebook.change import Function, changed, changing


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("t['a'] = s['b']", "t"),
        ("t.loc[0].x = 1\ndel u['a']", "t u"),
        ("t['a'] += 1\nn += 1", "n t"),
        ("(t['a'], u.b), v = 1, 2", "t u"),
        ("x = t.drop('a', inplace=True)\ny = u.drop('a', inplace=False)", "t"),
        ("x = t.pop()\ny = u.head()", "t"),
        ("t.fillna(0)\nx = u.fillna(0)", "t"),
        ("t['a'].append(u)", "t"),
        ("m.fit(t, u)", "m"),
        ("t.plot()\nt.head()\nt.to_csv(p)\nprint(t)\nlen(t)", ""),
        ("work(t, by=u['a'])\nx = work(v)", "t u"),
        ("random.shuffle(t)\nx = rng.normal()", "random rng t"),
        ("setattr(t, 'a', 1)\nx = next(u)", "t u"),
        ("for i in t:\n    if i:\n        u[i] = 1", "u"),
        ("def f(t):\n    t['a'] = 1\n    u['a'] = 1", "u"),
    ],
)
def test_changed(text: str, names: str) -> None:
    assert " ".join(sorted(changed(ast.parse(text).body))) == names


def test_functions_of_the_notebook_are_looked_into() -> None:
    text = (
        "def mark(table, key, flag=None):\n    table[key] = flag\n"
        "def deep(first, second):\n    mark(second, first)\n"
        "def ring(a, b):\n    ring(b, a)\n    a.clear()\n"
        "def calm(table):\n    return table.sum()\n"
    )
    functions = [each for each in ast.parse(text).body if isinstance(each, Function)]
    found = changing(functions)
    assert {name: sorted(each) for name, each in found.items()} == {
        "mark": ["0", "table"], "deep": ["1", "second"], "ring": ["0", "1", "a", "b"], "calm": [],
    }  # fmt: skip
    use = "x = mark(t, k)\ndeep(a, b)\ncalm(c)\ny = deep(second=d, first=e)\nring(*f)"
    assert sorted(changed(ast.parse(use).body, found)) == ["b", "d", "f", "t"]
