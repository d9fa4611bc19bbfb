"""Lines as a formatter leaves them."""

from __future__ import annotations

from argosy.pipelines.notebook.layout import WIDTH, docstring, listed


def test_a_list_breaks_where_it_does_not_fit() -> None:
    assert listed("f(", ["a", "b"], ")", "  ") == ["  f(a, b)"]
    name = "n" * (WIDTH - 3)
    assert listed("f(", [name], ")") == [f"f({name})"]
    assert listed("f(", [f"{name}n"], "):") == ["f(", f"    {name}n,", "):"]


def test_docstrings_end_like_sentences_and_escape() -> None:
    assert docstring("  ", "One") == ['  """One."""']
    assert docstring("", "Why?", 'C:\\new """') == ['"""Why?', "", 'C:\\\\new \\"\\"\\".', '"""']
