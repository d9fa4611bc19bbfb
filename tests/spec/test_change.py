"""Whose objects code changes in place."""

from __future__ import annotations

import ast

import pytest

from argosy.spec.change import changed, changing, shared


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
        ("for x in t:\n    x.append(1)\n[y.pop() for _, y in enumerate(u)]", "t u x y"),
        ("x = t['a'].b\ny = x\ny.clear()\nz = u['a'].sum()\nz.clear()", "t x y z"),
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
    found = changing(ast.parse(text).body)
    assert {name: sorted(each) for name, each in found.items()} == {
        "mark": ["0", "table"], "deep": ["1", "second"], "ring": ["0", "1", "a", "b"], "calm": [],
    }  # fmt: skip
    use = "x = mark(t, k)\ndeep(a, b)\ncalm(c)\ny = deep(second=d, first=e)\nring(*f)"
    assert sorted(changed(ast.parse(use).body, found)) == ["b", "d", "f", "t"]


def test_methods_of_the_notebook_are_looked_into() -> None:
    text = (
        "class A:\n    def up(self, by):\n        self.n += by\n"
        "    def fill(self, table, key=1):\n        table[key] = 1\n"
        "    def both(this):\n        this.up(1)\n        return 2\n    def calm(self):\n        return self.n\n"
        "class B:\n    def calm(self):\n        self.n = 1\n    def quiet(self):\n        return 1\n"
    )
    found = changing(ast.parse(text).body)
    use = "v = a.up(k)\nw = b.fill(t)\nx = c.both()\ny = d.calm()\nz = e.quiet()\ne.quiet()\nb.fill(key=k, table=u)"
    assert sorted(changed(ast.parse(use).body, found)) == ["a", "c", "d", "t", "u"]


def test_names_that_share_an_object() -> None:
    text = "a = b\nc = d['x'].y\ne = f(g)\nfor h, i in zip(j, k):\n    pass\na = a"
    names = {("a", "b"), ("c", "d"), *((part, whole) for part in "hi" for whole in "jk")}
    assert shared(ast.parse(text).body) == names
