"""Searches by chance, as people write them and as they miswrite them, from what each grammar allows."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from argosy.errors import UsageError
from argosy.store.tracking import grammar
from argosy.store.tracking.grammar import Grammar

GRAMMARS = (grammar.RUNS, grammar.EXPERIMENTS, grammar.MODELS, grammar.VERSIONS, grammar.LOGGED)
WORDS = ("auc", "val_loss", "mlflow.user", "order", "x1", "_y", "b..c.d", "Max", "été")
ODD = ("two words", "a-b", "x/y:z", "a.b", "1st", "it's", "AND", "100%")
TEXTS = ("", "x", "a b", "%a_", "it's", "AND x = 'y'", "; -- #", "(1)", "\\", "C:\\dir", "é日", "=5", "a\nb", "/* x */")
WHOLE = ("0", "1", "-1", "007", "9223372036854775807")
BROKEN = ("1.5", ".5", "5.", "-0.25", "1e5", "1.5E-3", "-2e-3", "1e999")
BLANKS = ("", " ", "  ", "\n", "\t ")
DEBRIS = (
    *(
        "(",
        ")",
        ";",
        "--",
        "'",
        '"',
        "`",
        ".",
        "=",
        "==",
        "<>",
        "!=",
        ",",
        "-",
        "\\",
        "#",
        "*",
        "[",
        "]",
        "::",
        " ",
        "$",
    ),
    *("?", "@", "%", "/", "+", "{", ":", "|", "~", " OR ", " NOT ", " AND ", " NULL ", " IS ", "IN", " DESC", "LIKE"),
    *("1", "x", "metrics.", "tags.", "é", "0x1f", "e5"),
)


class Writer:
    """Writes searches of one grammar, in the spellings that MLflow 3.17.2 knows: its successor has some of ours."""

    def __init__(self, of: Grammar, chance: random.Random) -> None:
        self._of, self._chance = of, chance
        spellings = {
            grammar.EXPERIMENTS.noun: {"attribute", "tag", "tags"},
            grammar.LOGGED.noun: {"attributes", "params", "metrics", "tags"},
        }
        self._spellings = sorted(spellings.get(of.noun, of.entities))

    def filter(self) -> str:
        joins = [self._one(" AND ", " and ", "\nAnd  ") for _ in range(self._chance.randint(0, 2))]
        return self._clause() + "".join(join + self._clause() for join in joins)

    def order(self) -> str:
        entity = self._one(*sorted(self._of.orderable))
        keys = self._of.orderable[entity]
        if keys is None:
            spelling = self._one(*(each for each in self._spellings if self._of.entities[each] == entity))
            key = self._one(*WORDS, *(f"`{odd}`" for odd in ODD))
            field = f"{spelling}.{key}"
        else:  # a server that keeps models in a database does not know creation_timestamp
            field = self._one(*sorted(keys - {"creation_timestamp"} if self._of is grammar.MODELS else keys))
        return field + self._one("", " ASC", " desc", "  Desc")

    def _clause(self) -> str:
        spelling = self._one(*self._spellings)
        entity = self._of.entities[spelling]
        allowed = self._of.operators[entity]
        if isinstance(allowed, frozenset):
            field = f"{spelling}.{self._key()}"
        else:
            key = self._one(*allowed, *(self._of.aliases if entity == "attribute" and self._of is grammar.RUNS else ()))
            allowed, field = allowed[self._of.aliases.get(key, key)], key if key.isidentifier() else f"`{key}`"
            if entity == "dataset" or (self._of is not grammar.LOGGED and self._chance.random() < 0.4):
                field = f"{spelling}.{field}"
        operator = self._one(*sorted(allowed))
        if operator.startswith("IS"):
            return f"{field} {self._case(operator)}"
        apart = (self._one(*BLANKS), self._one(*BLANKS)) if operator[0] in "=<>!" else (" ", self._one(*BLANKS))
        return f"{field}{apart[0]}{self._case(operator)}{apart[1]}{self._value(entity, field, operator, allowed)}"

    def _key(self) -> str:
        key = self._one(*WORDS, *ODD)
        quotes = "`" if self._of is grammar.LOGGED else "`\"'"
        quoted = [f"{quote}{key}{quote}" for quote in quotes if quote not in key]
        return self._one(*quoted, *([key] * 3 if key in WORDS else []))

    def _value(self, entity: str, field: str, operator: str, allowed: frozenset[str]) -> str:
        if ">" in allowed:
            whole = WHOLE[:-1] if self._of is grammar.LOGGED else WHOLE  # a server makes a float of it there
            return self._one(*whole, *(() if self._of.whole else BROKEN if entity == "metric" else ["1.5"]))
        texts: Sequence[str] = ["1", "22"] if "experiment_id" in field else TEXTS
        if operator.endswith("IN"):
            items = [self._quoted(text) for text in texts if "\\" not in text and "\n" not in text]
            chosen = self._one(",", ", ", " , ").join(self._chance.choices(items, k=self._chance.randint(1, 3)))
            return f"({self._one('', ' ')}{chosen}{self._one('', ',')})"
        return self._quoted(self._one(*texts))

    def _quoted(self, text: str) -> str:
        if self._of is grammar.LOGGED:  # where a server takes double quotes for a part of the text
            return f"'{text}'" if "'" not in text else "'x'"
        return f'"{text}"' if "'" in text else self._one(f"'{text}'", f'"{text}"')

    def _case(self, word: str) -> str:
        return word if self._of is grammar.EXPERIMENTS else self._one(word, word.lower(), word.title())

    def _one(self, *choices: str) -> str:
        return self._chance.choice(choices)


def mutated(text: str, chance: random.Random) -> str:
    """The text with something left out, doubled or put in between, once or twice."""
    for _ in range(chance.randint(1, 2)):
        at, kind, length = chance.randrange(len(text) + 1), chance.random(), chance.randint(1, 10)
        if kind < 0.3:
            text = text[:at] + text[at + 1 :]
        elif kind < 0.7:
            text = text[:at] + chance.choice(DEBRIS) + text[at:]
        elif kind < 0.85:
            text = text[:at] + text[at + length :]
        else:
            text = text[: at + length] + text[at:]
    return text


def answer(ask: Callable[[], Any]) -> Any:
    """What is read; None where it is refused."""
    try:
        return ask()
    except UsageError:
        return None
