"""Searches among registered models and versions find what a plain loop over all finds, in order, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from argosy.errors import UsageError
from argosy.store import Store
from argosy.store.models import registered, search, versions
from argosy.store.models.registered import Registered
from argosy.store.models.versions import Version
from argosy.store.tracking import labels
from argosy.store.tracking.changes import MODEL, Hand
from argosy.store.tracking.clause import Clause, Order

NAMES = ("a", "A", "a%b", "ab", "b", "ü", "x y")
RUNS, WORDS, KEYS = ("r1", "r2", None), ("true", "True", "x", ""), ("k", search.PROMPT)
tags = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(WORDS))


class Known(NamedTuple):
    """A model or a version as the plain loop sees it; of a model, number and run are of no account."""

    name: str
    minute: int
    tags: Mapping[str, str]
    run: str | None
    number: int = 0


several = st.lists(st.builds(Known, st.sampled_from(NAMES), st.integers(0, 3), tags, st.sampled_from(RUNS)), max_size=9)
tag_clauses = st.builds(
    Clause, st.just("tag"), st.sampled_from(KEYS), st.sampled_from(["=", "!="]), st.sampled_from([*WORDS, "false"])
)
name_clauses = st.one_of(
    st.builds(
        Clause, st.just("attribute"), st.just("name"), st.sampled_from(["=", "!=", "LIKE", "ILIKE"]),
        st.sampled_from([*NAMES, "a%", "_", "%"]),
    ),
    st.builds(
        Clause, st.just("attribute"), st.just("name"), st.sampled_from(["IN", "NOT IN"]),
        st.lists(st.sampled_from(NAMES), min_size=1).map(tuple),
    ),
)  # fmt: skip
version_clauses = st.one_of(
    st.builds(
        Clause, st.just("attribute"), st.just("version_number"), st.sampled_from(["=", "!=", ">", ">=", "<", "<="]),
        st.integers(0, 4),
    ),
    st.builds(
        Clause, st.just("attribute"), st.just("run_id"), st.sampled_from(["=", "!="]), st.sampled_from(["r1", "r3"])
    ),
    st.builds(
        Clause, st.just("attribute"), st.just("run_id"), st.sampled_from(["IN", "NOT IN"]),
        st.lists(st.sampled_from(["r1", "r2"]), min_size=1).map(tuple),
    ),
)  # fmt: skip


def _orders(*keys: str) -> Any:
    order = st.builds(Order, st.just("attribute"), st.sampled_from(keys), st.booleans())
    return st.lists(order, max_size=3, unique_by=lambda each: each.key)


def _like(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(_like(text[n:], pattern[1:]) for n in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and _like(text[1:], pattern[1:])


def _compare(value: Any, operator: str, wanted: Any) -> bool:
    return bool({
        "=": lambda: value == wanted, "!=": lambda: value != wanted, ">": lambda: value > wanted,
        ">=": lambda: value >= wanted, "<": lambda: value < wanted, "<=": lambda: value <= wanted,
        "IN": lambda: value in wanted, "NOT IN": lambda: value not in wanted, "LIKE": lambda: _like(value, wanted),
        "ILIKE": lambda: _like(value.lower(), wanted.lower()),
    }[operator]())  # fmt: skip


def _holds(known: Known, clauses: Iterable[Clause]) -> bool:
    about = [each for each in clauses if each.key == search.PROMPT]
    asks = [(each.operator, str(each.value).lower()) in (("=", "true"), ("!=", "false")) for each in about[:1]] == [
        True
    ]
    if not asks and known.tags.get(search.PROMPT) == "true":
        return False
    for each in clauses:
        if each.entity == "tag":
            if each.key == search.PROMPT and not asks:
                continue
            if each.key not in known.tags or not _compare(known.tags[each.key], each.operator, each.value):
                return False
        else:
            value = {"name": known.name, "version_number": known.number, "run_id": known.run or ""}[each.key]
            if not _compare(value, each.operator, each.value):
                return False
    return True


def _sorted(found: list[Known], by: list[Order], last: list[Order]) -> list[Known]:
    for order in reversed([*by, *(each for each in last if each.key not in {one.key for one in by})]):
        key: Callable[[Known], Any] = {
            "name": lambda each: each.name.encode(), "version_number": lambda each: each.number,
            "last_updated_timestamp": lambda each: each.minute, "creation_timestamp": lambda each: each.minute,
        }[order.key]  # fmt: skip
        found = sorted(found, key=key, reverse=not order.ascending)
    return found


def _emptied(tx: Connection) -> None:
    for name in ("label", "change", "registered_alias", "registered_version", "registered"):
        tx.exec_driver_sql(f"DELETE FROM {name}")


def _paged(ask: Callable[[str | None], search.Page[Any]], limit: int) -> list[Any]:
    seen: list[Any] = []
    page = ask(None)
    while page.next is not None:
        assert len(page.items) == limit
        seen += page.items
        page = ask(page.next)
    return [*seen, *page.items]


_ANY = {"max_examples": 60, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


def test_pages_of_models_are_what_a_loop_over_all_finds(store: Store, hand: Hand) -> None:
    @settings(**_ANY)  # type: ignore[arg-type]
    @given(
        several, st.lists(name_clauses | tag_clauses, max_size=3),
        _orders("name", "last_updated_timestamp", "creation_timestamp"), st.integers(1, 4),
    )  # fmt: skip
    def same(known: list[Known], clauses: list[Clause], by: list[Order], limit: int) -> None:
        known = list({each.name: each for each in known}.values())
        with store.write() as tx:
            _emptied(tx)
            for each in known:
                then = hand._replace(at=hand.at + timedelta(minutes=each.minute))
                registered.create(tx, each.name, then, tags=each.tags)
        with store.read() as conn:
            ask = lambda token: search.models(conn, clauses, by, limit=limit, token=token)  # noqa: E731
            seen: list[Registered] = _paged(ask, limit)
        found = [each for each in known if _holds(each, clauses)]
        assert [each.name for each in seen] == [
            each.name for each in _sorted(found, by, [Order("attribute", "name")])
        ]  # fmt: skip

    same()


def test_pages_of_versions_are_what_a_loop_over_all_finds(store: Store, hand: Hand) -> None:
    @settings(**_ANY)  # type: ignore[arg-type]
    @given(
        several, st.lists(name_clauses | tag_clauses | version_clauses, max_size=3),
        _orders("name", "version_number", "last_updated_timestamp", "creation_timestamp"), st.integers(1, 4),
    )  # fmt: skip
    def same(known: list[Known], clauses: list[Clause], by: list[Order], limit: int) -> None:
        made: list[Known] = []
        with store.write() as tx:
            _emptied(tx)
            for each in known:
                then = hand._replace(at=hand.at + timedelta(minutes=each.minute))
                model = registered.find(tx, each.name) or registered.create(tx, each.name, then)
                number = versions.create(tx, model, "s3://a/b", then, run=each.run, tags=each.tags).number
                made.append(each._replace(number=number))
        with store.read() as conn:
            ask = lambda token: search.of_versions(conn, clauses, by, limit=limit, token=token)  # noqa: E731
            seen: list[Version] = _paged(ask, limit)
        latest = Order("attribute", "last_updated_timestamp", ascending=False)
        last = [Order("attribute", "name"), Order("attribute", "version_number", ascending=False)]
        found = _sorted([each for each in made if _holds(each, clauses)], by or [latest], last)
        assert [(each.name, each.number) for each in seen] == [(each.name, each.number) for each in found]

    same()


def test_what_is_deleted_is_not_found(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        for name in ("a", "b"):
            registered.create(tx, name, hand)
            for _ in range(2):
                versions.create(tx, registered.get(tx, name), f"s3://{name}/1", hand)
        registered.delete(tx, registered.get(tx, "a"), hand)
        versions.delete(tx, versions.get(tx, registered.get(tx, "b"), 1), hand)
    with store.read() as conn:
        assert [each.name for each in search.models(conn).items] == ["b"]
        assert [(each.name, each.number) for each in search.of_versions(conn).items] == [("b", 2)]


def test_versions_are_found_by_their_source(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        registered.create(tx, "a", hand)
        for number in range(3):
            versions.create(tx, registered.get(tx, "a"), f"s3://a/{number}", hand)
    with store.read() as conn:
        for operator, value, found in (("=", "s3://a/1", [2]), ("LIKE", "s3://%/2", [3]), ("!=", "s3://a/1", [3, 1])):
            page = search.of_versions(conn, [Clause("attribute", "source_path", operator, value)])
            assert [each.number for each in page.items] == found


def test_models_without_a_tag_are_no_prompts(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        registered.create(tx, "bare", hand)
        made = registered.create(tx, "asked", hand)
        labels.put(tx, MODEL, made.entity, {search.PROMPT: "true"}, hand)
    with store.read() as conn:
        for clauses, found in (
            ([], ["bare"]),
            ([Clause("tag", search.PROMPT, "!=", "true")], ["bare"]),
            ([Clause("tag", search.PROMPT, "=", "false")], ["bare"]),
            ([Clause("tag", search.PROMPT, "=", "true")], ["asked"]),
        ):
            assert [each.name for each in search.models(conn, clauses).items] == found


@pytest.mark.parametrize("token", ["nonsense", "gA==", "kcA=", "kwECAw==", "=", "ÿ", "kQE=", "kaFhAA==", "kaIAYQ=="])
def test_a_token_that_no_page_gave_is_refused(store: Store, token: str) -> None:
    with store.read() as conn:
        for ask in (search.models, search.of_versions):
            with pytest.raises(UsageError, match="was not given by this search"):
                ask(conn, token=token)
