"""The search language of MLflow: comparisons joined by AND, such as `metrics.auc > 0.7 AND params.depth = '6'`.

A key is a bare name, or in backticks or quotes (``metrics.`val loss` ``); one without an entity is an attribute.
Keywords are of any case. Text stands in single or double quotes and is taken as it is written between them: a quote of
its own kind within is doubled or follows a backslash, and both stay. Only in a list does a backslash quote the next
character. AND may be left out or repeated, as MLflow has it; there is no OR, and no parenthesis but that of a list.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import msgspec

from argosy.errors import UsageError
from argosy.store.codec import EPOCH
from argosy.store.tracking.grammar import ABSENCE, LIST, Grammar, Operators

_LIMIT = 65_536
MOST, MOST_ORDERS = 100, 20
"""Comparisons of a filter, and keys of an order: a database plans longer ones for minutes, or refuses them."""
_SHOWN = 200
"""So many characters of what is wrong are shown: keys and texts are as long as whoever asks likes."""
_DOUBLE = r'"(?:""|\\"|[^"])*"'
_SINGLE = r"'(?:''|\\'|[^'])*'"
_BACK = r"`(?:``|[^`])*`"
_FIELD = re.compile(rf"({_BACK}|{_DOUBLE}|\w+)(?:(\.)({_BACK}|{_DOUBLE}|{_SINGLE}|\w[\w.]*)?)?")
_OPERATOR = re.compile(r"[<>=~!]+|(?:IS\s+NOT\s+[A-Z]+|(?:IS|NOT)\s+[A-Z]+|[A-Z]+)(?!\w)", re.IGNORECASE)
_MOMENT = re.compile(r"['\"]?(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?)['\"]?(?=\s|$)")
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?E[+-]?\d+|\d+\.\d*|\.\d+|\d+)(?![\w.])", re.IGNORECASE)
_QUOTED = re.compile(r"""'-?\d+'|"-?\d+\"""")
_TEXT = re.compile(f"{_SINGLE}|{_DOUBLE}")
_WORD = re.compile(r"""(?![<>=~!])[^\s'"`(),;]+""")
_ITEM = re.compile(r"""'(?:[^'\\\r\n]|\\['"\\])*'|"(?:[^"\\\r\n]|\\['"\\])*\"""")
_ESCAPE = re.compile(r"\\(.)")
_AND = re.compile(r"AND(?![\w.])", re.IGNORECASE)
_WAY = re.compile(r"(?<=\s)(?:ASC|DESC)(?!\w)", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_PLAIN = re.compile(r"[^\W\d]\w{0,99}")
_LOGGED = ("metrics", "params", "tags")
"""How keys are spelt that whoever logs is free to choose."""
_OPEN, _COMMA, _CLOSE = map(re.compile, (r"\(", ",", r"\)"))
_JOIN = "join comparisons by AND, as in metrics.auc > 0.7 AND params.depth = '6'"
_WRITE = "write a key, then ASC or DESC, and backticks around a key of more than one word"

Value = str | int | float | tuple[str, ...] | None


class Clause(msgspec.Struct, frozen=True):
    """One comparison. `value` is a float for a metric, a number for an attribute that is one, None for an absence."""

    entity: str
    key: str
    operator: str
    value: Value


class Order(msgspec.Struct, frozen=True):
    """What a search is ordered by."""

    entity: str
    key: str
    ascending: bool = True


def parse(text: str, grammar: Grammar, *, plain: bool = False) -> list[Clause]:
    """The clauses of a filter, all of which must hold; empty text has none. `plain` values of text need no quotes.

    Raises `UsageError` at the first thing that `grammar` does not allow, for text that is blank or above 64 KiB, and
    for more than `MOST` comparisons.
    """
    reader = _Reader(text, f"filter of {grammar.noun}", _JOIN)
    if text and reader.ended():
        reader.refuse("it is blank")
    clauses = []
    while not reader.ended():
        if not reader.take(_AND):
            clauses.append(_clause(reader, grammar, plain or grammar.plain))
        if len(clauses) > MOST:
            reader.refuse(f"it has more than {MOST} comparisons", next="ask in several searches")
    return clauses


def orders(texts: Sequence[str], grammar: Grammar) -> list[Order]:
    """What to order by, first things first; each text is a key, and ASC or DESC.

    Raises `UsageError` for what `grammar` does not order by, for what is named twice, and for more than `MOST_ORDERS`.
    """
    if len(texts) > MOST_ORDERS:
        raise UsageError(
            f"order of {grammar.noun}: it has {len(texts):,} keys, the limit is {MOST_ORDERS}",
            next="leave out the last",
        )
    found: dict[tuple[str, str], Order] = {}
    for text in texts:
        reader = _Reader(text, f"order of {grammar.noun}", _WRITE)
        entity, key = _field(reader, grammar, grammar.orderable)
        keys = grammar.orderable[entity]
        if keys is not None:
            free = [each for each, of in grammar.orderable.items() if of is None]
            _check(reader, grammar, free, entity, key, keys)
        way = reader.take(_WAY)
        if not reader.ended():
            reader.refuse()
        if (entity, key) in found:
            reader.refuse(f"{entity} {key!r} is in it twice", next="name it once")
        found[entity, key] = Order(entity, key, way is None or way.upper() == "ASC")
    return list(found.values())


class _Reader:
    """A text, read from left to right; blanks between two tokens are passed over. `advice` says how to write it."""

    def __init__(self, text: str, what: str, advice: str) -> None:
        self._text, self._what, self._advice, self._position = text, what, advice, 0
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            self.refuse(f"character {error.start + 1} is half of a surrogate pair", next="leave it out")
        if size > _LIMIT:
            self.refuse(f"it is {size:,} bytes long, the limit is {_LIMIT:,}", next="ask in several searches")
        if "\0" in text:
            self.refuse("it holds a zero byte", next="leave it out")

    def ended(self) -> bool:
        """Whether no token is left."""
        self._skip()
        return self._position == len(self._text)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The next token where it is of `pattern`, which is then behind."""
        self._skip()
        found = pattern.match(self._text, self._position)
        if found is not None:
            self._position = found.end()
        return found

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """The text of `match`."""
        found = self.match(pattern)
        return found and found[0]

    def refuse(self, why: str = "", *, next: str = "") -> NoReturn:
        """Raise `UsageError`: with `why`, else with what is there instead of a token that can be."""
        rest = self._text[self._position :]
        seen = f"at character {self._position + 1}: {rest[:40]!r}" if rest else "it ends too early"
        raise UsageError(f"{self._what}: {(why or seen)[:_SHOWN]}", next=next or self._advice)

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._position)
        self._position = found.end() if found else self._position


def _clause(reader: _Reader, grammar: Grammar, plain: bool) -> Clause:
    entity, key = _field(reader, grammar, grammar.operators)
    allowed = grammar.operators[entity]
    if isinstance(allowed, Mapping):
        free = [each for each, of in grammar.operators.items() if not isinstance(of, Mapping)]
        _check(reader, grammar, free, entity, key, allowed)
        allowed = allowed[key]
    operator = _operator(reader, f"{entity} {key!r}", allowed)
    value: Value = None
    if operator in LIST:
        value = _list(reader, plain)
    elif entity == "metric":
        value = float(_number(reader))
    elif ">" in allowed:
        moment = _moment(reader) if plain else None
        value = _count(reader, key, grammar.whole) if moment is None else moment
    elif operator not in ABSENCE:
        value = _string(reader, plain)
    return Clause(entity, key, operator, value)


def _field(reader: _Reader, grammar: Grammar, entities: Collection[str]) -> tuple[str, str]:
    """Entity and key, each by its own name."""
    found = reader.match(_FIELD)
    if found is None or (found[2] and found[3] is None):
        reader.refuse()
    if found[0].upper() in {"OR", "NOT"}:
        reader.refuse(f"there is no {found[0].upper()} in it")
    spelling, key = _bare(found[1]), found[3] and _bare(found[3])
    if key is None and spelling != found[1] and "." in spelling:  # quoted as a whole
        spelling, _, key = spelling.partition(".")
    if key is None:
        return "attribute", grammar.aliases.get(spelling, spelling)
    entity = grammar.entities.get(spelling, "")
    if entity not in entities:
        known = ", ".join(sorted(each for each, of in grammar.entities.items() if of in entities))
        reader.refuse(f"{spelling!r} is no entity of it", next=f"use one of: {known}")
    return entity, grammar.aliases.get(key, key) if entity == "attribute" else key


def _check(
    reader: _Reader, grammar: Grammar, free: Collection[str], entity: str, key: str, known: Collection[str]
) -> None:  # fmt: skip
    """Refuse a key that is none of those known; one without an entity may have been meant of a `free` one."""
    if key in known:
        return
    bare = entity == "attribute" and _PLAIN.fullmatch(key) is not None
    logged = [f"{each}.{key}" for each in _LOGGED if bare and grammar.entities.get(each) in free]
    reader.refuse(f"there is no {entity} {key!r} in it", next=f"use one of: {', '.join([*logged, *sorted(known)])}")


def _operator(reader: _Reader, field: str, allowed: Operators) -> str:
    found = reader.take(_OPERATOR)
    if found is None:
        reader.refuse(next="write an operator after the key, and backticks around a key with signs other than . and _")
    operator = " ".join(found.upper().split())
    if operator not in allowed:
        known = ", ".join(sorted(allowed))
        reader.refuse(f"{operator} does not compare {field}", next=f"use one of: {known}")
    return operator


def _number(reader: _Reader) -> str:
    found = reader.take(_NUMBER)
    if found is None:
        reader.refuse(next="write a number, without quotes")
    return found


def _count(reader: _Reader, key: str, whole: bool) -> int | float:
    """The number that an attribute is compared with."""
    quoted = reader.take(_QUOTED) if whole else None
    found = _bare(quoted) if quoted else _number(reader)
    is_whole = found.removeprefix("-").isdecimal()
    if whole and not is_whole:
        reader.refuse(
            f"{key!r} is compared with {found[:_SHOWN]}, which is no whole number", next="leave out the fraction"
        )
    number: int | float = float(found)
    if is_whole and abs(number) < 1e19:
        number = int(found)
    if not -(2**63) <= number < 2**63:
        reader.refuse(f"{key!r} is compared with {found}, which is beyond 64 bits", next="correct the number")
    return number


def _moment(reader: _Reader) -> int | None:
    """The milliseconds since 1970 of a time in ISO 8601, where one is next; it is of UTC unless it says otherwise."""
    found = reader.match(_MOMENT)
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found[1])
    except ValueError:
        reader.refuse(f"{found[1]!r} is no time", next="write it as 2026-03-01 or 2026-03-01T12:30")
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - EPOCH) // timedelta(milliseconds=1)


def _string(reader: _Reader, plain: bool) -> str:
    found = reader.take(_TEXT)
    if found is not None:
        return _bare(found)
    word = reader.take(_WORD) if plain else None
    if word is None:
        reader.refuse(next="write a text in quotes")
    return word


def _list(reader: _Reader, plain: bool) -> tuple[str, ...]:
    items: list[str] = []
    more = reader.take(_OPEN)
    while more:
        item = reader.take(_ITEM)
        word = reader.take(_WORD) if plain and item is None else None
        if item is None and word is None:
            break
        items.append(word or _ESCAPE.sub(r"\1", _bare(item or "")))
        more = reader.take(_COMMA)
        if reader.take(_CLOSE):
            return tuple(items)
    reader.refuse(next="write a list as ('this', 'that'), with a backslash before a quote or a backslash")


def _bare(token: str) -> str:
    """A token without the quotes around it."""
    return token[1:-1] if token.startswith(("`", "'", '"')) else token
