"""The search language of MLflow: stock MLflow reads the same, of filters that are written and of broken ones."""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argosy.store.tracking.clause import orders, parse
from argosy.store.tracking.grammar import LOGGED, Grammar
from tests.store.tracking.searches import GRAMMARS, Writer, answer, mutated

READER = Path(__file__).with_name("reader.py")

# Why one of the two takes a text that the other refuses: asked about the text, and about what stock said to it.
OURS_ALONE: dict[str, Callable[[str, str], bool]] = {
    "a blank at an end of an order changes nothing": lambda text, _: text != text.strip(),
    "a key may be quoted together with its entity": lambda text, _: _has(r"[`\"]\w+\.[^`\"]*[`\"]", text),
    "a key may begin with digits": lambda text, _: _has(r"\.\d", text),
    "a quote in a key is none of a shell": lambda _, said: "No closing quotation" in said,
    "blanks part words": lambda text, _: _has(r"not\s*[\s\n]\s*null", text),
    "AND may be left out before IN and IS, too": lambda text, _: _has(r"['\"`\w]\s*\w+ (not )?(in|is)\b", text),
    "whether an experiment has such an id is for the search to say": lambda _, said: "Invalid experiment ID" in said,
    "logged models are asked for in the words of the other searches": lambda _, said: "Invalid entity type: " in said,
    "values of logged models need no quotes, in lists neither": lambda _, said: _has(
        "malformed node|invalid syntax", said
    ),
}
STOCK_ALONE: dict[str, Callable[[str, Any], bool]] = {
    "what sqlparse takes for a key or a text was not written as one": lambda text, read: _glued(text, read),
    "a list is one of Python: strings side by side, escapes, none at all": lambda text, _: _has(
        r"\bIN\s*\((\s*\)|[^=]*(['\"]\s*['\"]|\\))", text
    ),
    "a number with an exponent may run into a word": lambda text, _: _has(r"e-?\d+[a-z]", text),
    "a number of more than 64 bits becomes a float": lambda text, _: _has(r"\d{19}|\de\d\d", text),
}


def _glued(text: str, read: Any) -> bool:
    clauses, order = ([each for each in part if each[0] != "attribute"] for part in read)
    keys = [each[1] for each in (*clauses, *order)]
    return not all(keys) or not all(_is_one(part, text) for part in (*keys, *(each[3] for each in clauses)))


def _is_one(part: Any, text: str) -> bool:
    """Whether a key or a text stands in the filter as a word, or between quotes of one kind."""
    if not isinstance(part, str) or (part in text and re.fullmatch(r"\w[\w.]*", part)):
        return True
    return any(f"{quote}{part}{quote}" in text and quote not in part.replace(quote * 2, "") for quote in "`'\"")


def _has(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None


def _ours(grammar: Grammar, text: str, order: list[str]) -> Any:
    found = parse(text, grammar), orders(order, grammar)
    read, ordered = ([msgspec.structs.astuple(each) for each in part] for part in found)
    if grammar is LOGGED:  # where a server strips a text of all quotes
        read = [(*rest, value.strip("'") if isinstance(value, str) else value) for *rest, value in read]
    return [read, ordered]


def _theirs(grammar: Grammar, found: Any) -> Any:
    """What stock read, in our types: it leaves numbers as text, here and there."""
    clauses, order = found
    read = []
    for entity, key, operator, value in clauses:
        if isinstance(value, list):
            value = tuple(value)
        elif entity == "metric" or (grammar is LOGGED and key.endswith("_ms")):
            value = float(value)
        elif key == "version_number":
            value = int(value)
        read.append((entity, key.removesuffix("_ms") if grammar is LOGGED else key, operator, value))
    return [read, [tuple(each) for each in order]]


def _searches(chance: random.Random) -> Iterable[tuple[Grammar, str, list[str]]]:
    for grammar in GRAMMARS:
        writer = Writer(grammar, chance)
        for _ in range(160):
            text = writer.filter()
            yield from ((grammar, text, []), (grammar, mutated(text, chance), []), (grammar, mutated(text, chance), []))
        for _ in range(0 if grammar is LOGGED else 60):  # these are not ordered by texts
            text = writer.order()
            yield from ((grammar, "", [text]), (grammar, "", [mutated(text, chance)]))


@pytest.mark.slow
def test_stock_mlflow_reads_the_same(apart: Callable[[str], Path]) -> None:
    searches = list(_searches(random.Random(17)))
    asked = json.dumps([(grammar.noun, text, order) for grammar, text, order in searches])
    done = subprocess.run([apart("mlflow317") / "bin" / "python", READER], input=asked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    agreed = excused = 0
    for (grammar, text, order), stock in zip(searches, json.loads(done.stdout), strict=True):
        ours = answer(lambda: _ours(grammar, text, order))  # noqa: B023
        agrees, excuses = ours is None, OURS_ALONE
        if not isinstance(stock, str):
            agrees, excuses = ours == _theirs(grammar, stock), {} if ours else STOCK_ALONE
        agreed += agrees and ours is not None
        if not agrees:
            whole = "".join((text, *order))
            assert any(holds(whole, stock) for holds in excuses.values()), (grammar.noun, text, order, ours, stock)
            excused += 1
    assert agreed > 0.4 * len(searches)
    assert excused < 0.02 * len(searches)
