"""The search language of MLflow: what it accepts, and what it refuses."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import UsageError
from argosy.store.tracking.clause import Clause, Order, orders, parse
from argosy.store.tracking.grammar import (
    ABSENCE,
    EXPERIMENTS,
    LIST,
    LOGGED,
    MODELS,
    RUNS,
    VERSIONS,
    Grammar,
)
from tests.store.tracking.searches import DEBRIS, GRAMMARS, answer

NAMED = {each.noun: each for each in GRAMMARS}


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("metrics.auc > 0.7", Clause("metric", "auc", ">", 0.7)),
        ("metric.auc>=-1e-3", Clause("metric", "auc", ">=", -0.001)),
        ("metrics.auc < 1E+5", Clause("metric", "auc", "<", 1e5)),
        ("metrics.`val loss` = 5.", Clause("metric", "val loss", "=", 5.0)),
        ('metrics."a.b" != .5', Clause("metric", "a.b", "!=", 0.5)),
        ("params.depth = '6'", Clause("parameter", "depth", "=", "6")),
        ("param.'x/y' = \"it's\"", Clause("parameter", "x/y", "=", "it's")),
        ("parameter.order != 'it''s'", Clause("parameter", "order", "!=", "it''s")),
        ("parameters.path = 'C:\\'", Clause("parameter", "path", "=", "C:\\")),
        ("tags.mlflow.source.name like '%train.py'", Clause("tag", "mlflow.source.name", "LIKE", "%train.py")),
        ("`tags`.`a``b` ILIKE 'x'", Clause("tag", "a``b", "ILIKE", "x")),
        ("`tags.a b` is  null", Clause("tag", "a b", "IS NULL", None)),
        ("params.x IS\nnot NULL", Clause("parameter", "x", "IS NOT NULL", None)),
        ("status = 'FINISHED'", Clause("attribute", "status", "=", "FINISHED")),
        ("attr.`Run name` = ''", Clause("attribute", "run_name", "=", "")),
        ("run.created > 5", Clause("attribute", "start_time", ">", 5)),
        ("metrics.created > 5", Clause("metric", "created", ">", 5.0)),
        ("end_time <= 1.5", Clause("attribute", "end_time", "<=", 1.5)),
        ("start_time <= 9223372036854775807", Clause("attribute", "start_time", "<=", 2**63 - 1)),
        ("run_id In('a', \"b'c\",)", Clause("attribute", "run_id", "IN", ("a", "b'c"))),
        (r"datasets.name NOT  IN ('a\'b', 'c\\d')", Clause("dataset", "name", "NOT IN", ("a'b", "c\\d"))),
    ],
)
def test_a_comparison_is_read(text: str, clause: Clause) -> None:
    assert parse(text, RUNS) == [clause]


def test_what_is_equal_in_python_is_of_one_type() -> None:
    (metric, time) = parse("metrics.auc = 1 AND start_time = 1", RUNS)
    assert (type(metric.value), type(time.value)) == (float, int)


@pytest.mark.parametrize(
    "text", ["tags.a = '1' AND tags.b = '2'", "and tags.a='1'and AND tags.b='2'\nAnd", "tags.a='1' tags.b='2'"]
)
def test_and_joins_and_may_be_left_out(text: str) -> None:
    assert [clause.key for clause in parse(text, RUNS)] == ["a", "b"]


def test_an_empty_filter_has_no_clause() -> None:
    assert parse("", RUNS) == parse("AND", RUNS) == []


@pytest.mark.parametrize(
    ("grammar", "text", "says"),
    [
        (RUNS, " \n", "filter of runs: it is blank"),
        (RUNS, "metrics.a > 1 OR metrics.b > 1", "there is no OR in it"),
        (RUNS, "NOT metrics.a > 1", "there is no NOT in it"),
        (RUNS, "(metrics.a > 1)", "at character 1: '(metrics.a > 1)'"),
        (RUNS, "metrics.a > 1; metrics.b > 1", "at character 14: '; metrics.b > 1'"),
        (RUNS, "metrics.a > 1 -- all", "at character 15: '-- all'"),
        (RUNS, "metrics.val-loss > 1", "at character 12: '-loss > 1'"),
        (RUNS, "metrics.", "it ends too early"),
        (RUNS, "1 < metrics.a", "there is no attribute '1' in it"),
        (RUNS, "name = 'x'", "there is no attribute 'name' in it"),
        (RUNS, "Metrics.a > 1", "'Metrics' is no entity of it"),
        (RUNS, "dataset.source = 'x'", "there is no dataset 'source' in it"),
        (RUNS, "metrics.a == 1", "== does not compare metric 'a'"),
        (RUNS, "metrics.a IS NULL", "IS NULL does not compare metric 'a'"),
        (RUNS, "status IN ('x')", "IN does not compare attribute 'status'"),
        (RUNS, "params.a > '1'", "> does not compare parameter 'a'"),
        (RUNS, "tags.a NOT LIKE 'x'", "NOT LIKE does not compare tag 'a'"),
        (RUNS, "metrics.a > '1'", "at character 13: \"'1'\""),
        (RUNS, "metrics.a > 0x1f", "at character 13: '0x1f'"),
        (RUNS, "metrics.a > 1and", "at character 13: '1and'"),
        (RUNS, "metrics.a > nan", "at character 13: 'nan'"),
        (RUNS, "params.a = 1", "at character 12: '1'"),
        (RUNS, "params.a = `x`", "at character 12: '`x`'"),
        (RUNS, "params.a = 'x", 'at character 12: "\'x"'),
        (RUNS, "params.a = ('x')", "at character 12: \"('x')\""),
        (RUNS, "run_id IN 'x'", "at character 11: \"'x'\""),
        (RUNS, "run_id IN ()", "at character 12: ')'"),
        (RUNS, "run_id IN ('it''s')", "at character 16: \"'s')\""),
        (RUNS, r"run_id IN ('a\n')", r"at character 12"),
        (RUNS, "run_id IN ('x'", "it ends too early"),
        (RUNS, "run_id IN (x)", "at character 12: 'x)'"),
        (
            RUNS,
            "start_time > 9223372036854775808",
            "9223372036854775808, which is beyond 64 bits",
        ),
        (RUNS, "start_time > -" + "9" * 5000, "'start_time' is compared with -999999"),
        (RUNS, "tags.a = 'b\0'", "it holds a zero byte"),
        (RUNS, "tags.a = '\ud800'", "character 11 is half of a surrogate pair"),
        (RUNS, "tags.a = '" + "é" * 32_764, "it is 65,538 bytes long, the limit is 65,536"),
        (RUNS, "metrics.a > 1 " * 101, "filter of runs: it has more than 100 comparisons"),
        (EXPERIMENTS, "metrics.a > 1", "filter of experiments: 'metrics' is no entity of it"),
        (EXPERIMENTS, "experiment_id LIKE '1'", "LIKE does not compare attribute 'experiment_id'"),
        (EXPERIMENTS, "creation_time > 1.5", "'creation_time' is compared with 1.5, which is no whole number"),
        (MODELS, "tags.a IS NULL", "filter of registered models: IS NULL does not compare tag 'a'"),
        (VERSIONS, "version_number > '1.5'", "filter of model versions: at character 18"),
        (VERSIONS, "source_path IN ('x')", "IN does not compare attribute 'source_path'"),
        (LOGGED, "datasets.name = 'x'", "filter of logged models: 'datasets' is no entity of it"),
    ],
)
def test_what_cannot_be_meant_is_refused(grammar: Grammar, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, grammar)
    assert says in caught.value.message
    assert len(caught.value.message) < 300
    assert caught.value.next


@pytest.mark.parametrize(
    ("grammar", "text", "clause"),
    [
        (EXPERIMENTS, "attributes.last_update_time >= 3", Clause("attribute", "last_update_time", ">=", 3)),
        (EXPERIMENTS, "experiment_id not in ('1', '2')", Clause("attribute", "experiment_id", "NOT IN", ("1", "2"))),
        (MODELS, "name IN ('a')", Clause("attribute", "name", "IN", ("a",))),
        (VERSIONS, "version_number = '3'", Clause("attribute", "version_number", "=", 3)),
        (VERSIONS, "version_number > -3", Clause("attribute", "version_number", ">", -3)),
        (LOGGED, "creation_time > 1", Clause("attribute", "creation_timestamp", ">", 1)),
        (LOGGED, "params.lr = 0.01", Clause("parameter", "lr", "=", "0.01")),
        (LOGGED, "tags.a IN ('x')", Clause("tag", "a", "IN", ("x",))),
    ],
)
def test_each_kind_of_search_has_its_own_fields(grammar: Grammar, text: str, clause: Clause) -> None:
    assert parse(text, grammar) == [clause]


def test_plain_text_needs_no_quotes() -> None:
    text = "metrics.auc > 0.7 and params.depth = 6 and tags.by = s3://x/y and run_id in (a, 'b c') status != OK"
    assert parse(text, RUNS, plain=True) == [
        Clause("metric", "auc", ">", 0.7),
        Clause("parameter", "depth", "=", "6"),
        Clause("tag", "by", "=", "s3://x/y"),
        Clause("attribute", "run_id", "IN", ("a", "b c")),
        Clause("attribute", "status", "!=", "OK"),
    ]
    for refused in ("metrics.auc > much", "params.a = it's", "params.a = = 1", "params.a = (b)", "start_time > today"):
        with pytest.raises(UsageError):
            parse(refused, RUNS, plain=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-03-01", 1_772_323_200_000), ("'2026-03-01'", 1_772_323_200_000), ("2026-03-01T12:30", 1_772_368_200_000),
        ('"2026-03-01 12:30:05"', 1_772_368_205_000), ("2026-03-01T12:30+02:00", 1_772_361_000_000), ("5", 5),
    ],
)  # fmt: skip
def test_plain_times_may_be_written_as_dates(text: str, value: int) -> None:
    asked = f"start_time >= {text} and params.day = 2026-03-01"
    wanted = [Clause("attribute", "start_time", ">=", value), Clause("parameter", "day", "=", "2026-03-01")]
    assert parse(asked, RUNS, plain=True) == wanted
    for wrong in ("2026-13-01", "2026-03-01T25:00"):
        with pytest.raises(UsageError, match="is no time"):
            parse(f"end_time < {wrong}", RUNS, plain=True)
    if text != "5":
        with pytest.raises(UsageError):
            parse(f"start_time >= {text}", RUNS)


@pytest.mark.parametrize(
    ("grammar", "text", "order"),
    [
        (RUNS, "metrics.auc", Order("metric", "auc")),
        (RUNS, "metrics.`two words`  Desc", Order("metric", "two words", False)),
        (RUNS, "`params.two words` ASC", Order("parameter", "two words")),
        (RUNS, "tag.'x'\nDESC", Order("tag", "x", False)),
        (RUNS, "Created desc", Order("attribute", "start_time", False)),
        (RUNS, "attributes.end_time", Order("attribute", "end_time")),
        (EXPERIMENTS, "name DESC", Order("attribute", "name", False)),
        (MODELS, "timestamp asc", Order("attribute", "last_updated_timestamp")),
        (MODELS, "creation_timestamp", Order("attribute", "creation_timestamp")),
        (VERSIONS, "version_number DESC", Order("attribute", "version_number", False)),
    ],
)
def test_an_order_is_read(grammar: Grammar, text: str, order: Order) -> None:
    assert orders([text], grammar) == [order]


def test_orders_stay_in_turn() -> None:
    assert [order.key for order in orders(["tags.b", "tags.a", "params.a"], RUNS)] == ["b", "a", "a"]


@pytest.mark.parametrize(
    ("grammar", "texts", "says"),
    [
        (RUNS, [""], "order of runs: it ends too early"),
        (RUNS, ["metrics.a upwards"], "at character 11: 'upwards'"),
        (RUNS, ["metrics.a ASC NULLS LAST"], "at character 15: 'NULLS LAST'"),
        (RUNS, ["metrics.`a`DESC"], "at character 12: 'DESC'"),
        (RUNS, ["metrics.a, metrics.b"], "at character 10: ', metrics.b'"),
        (RUNS, ["dataset.name"], "'dataset' is no entity of it"),
        (RUNS, ["timestamp"], "there is no attribute 'timestamp' in it"),
        (RUNS, ["start_time", "created DESC"], "attribute 'start_time' is in it twice"),
        (RUNS, [f"metrics.a{n}" for n in range(21)], "order of runs: it has 21 keys, the limit is 20"),
        (EXPERIMENTS, ["tags.a"], "order of experiments: 'tags' is no entity of it"),
        (MODELS, ["TIMESTAMP"], "there is no attribute 'TIMESTAMP' in it"),
        (VERSIONS, ["run_id"], "there is no attribute 'run_id' in it"),
    ],
)
def test_what_does_not_order_is_refused(grammar: Grammar, texts: list[str], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        orders(texts, grammar)
    assert says in caught.value.message
    assert caught.value.next


SIGNS = st.characters(codec="utf-8", exclude_characters="`'\"\\\0")
KEYS = st.from_regex(r"[A-Za-z_]\w{0,8}", fullmatch=True) | st.text(SIGNS)
WHOLE = st.integers(-(2**63), 2**63 - 1)
ITEMS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"))


@st.composite
def clauses(draw: st.DrawFn, grammar: Grammar) -> Clause:
    """A clause that can be written."""
    entity = draw(st.sampled_from(sorted(grammar.operators)))
    allowed = grammar.operators[entity]
    if isinstance(allowed, Mapping):
        key = draw(st.sampled_from(sorted(allowed)))
        allowed = allowed[key]
    else:
        key = draw(KEYS)
    operator = draw(st.sampled_from(sorted(allowed)))
    if operator in ABSENCE:
        return Clause(entity, key, operator, None)
    if operator in LIST:
        return Clause(entity, key, operator, tuple(draw(st.lists(ITEMS, min_size=1, max_size=3))))
    if entity == "metric":
        return Clause(entity, key, operator, draw(st.floats(allow_nan=False, allow_infinity=False)))
    if ">" in allowed:
        numbers = WHOLE if grammar.whole else WHOLE | st.sampled_from([0.5, -1e-9])
        return Clause(entity, key, operator, draw(numbers))
    return Clause(entity, key, operator, draw(st.text(SIGNS)))


def written(clause: Clause) -> str:
    value: Any = clause.value
    if isinstance(value, tuple):
        value = "(" + ",".join("'" + re.sub(r"(['\\])", r"\\\1", item) + "'" for item in value) + ")"
    elif isinstance(value, str):
        value = f"'{value}'"
    return f"{clause.entity}.`{clause.key}` {clause.operator} {'' if value is None else value}"


@pytest.mark.parametrize("grammar", GRAMMARS, ids=NAMED)
def test_what_is_written_is_read_again(grammar: Grammar) -> None:
    @given(st.lists(clauses(grammar), max_size=4))
    def holds(chosen: list[Clause]) -> None:
        assert parse(" AND ".join(map(written, chosen)), grammar) == chosen

    holds()


SOUP = st.lists(st.sampled_from([*DEBRIS, "run_id", "metrics.a", "tags.`b c`", "'x'", "created", "LIKE", "asc"])).map(
    "".join
)


@pytest.mark.parametrize("grammar", GRAMMARS, ids=NAMED)
def test_any_text_is_read_or_refused(grammar: Grammar) -> None:
    @given(st.text() | SOUP)
    def holds(text: str) -> None:
        strict = answer(lambda: parse(text, grammar))
        assert strict is None or strict == parse(text, grammar, plain=True)
        answer(lambda: parse(text, grammar, plain=True))
        answer(lambda: orders([text], grammar))

    holds()


@pytest.mark.parametrize("before", ["", "tags.a = '", "tags.a ", "run_id IN (", "metrics.a > ", "tags."])
def test_a_long_text_costs_little(before: str) -> None:
    started = time.process_time()
    for part in (*DEBRIS, "''", "\\'", "a.", "9", "1e", "tags.a='' ", "run_id IN('a',", "'a',"):
        text = (before + part * 65_536)[:60_000]
        answer(lambda: parse(text, RUNS, plain=True))  # noqa: B023
        answer(lambda: orders([text], RUNS))  # noqa: B023
    assert time.process_time() - started < 5  # minutes, if each character were looked at again for each


@pytest.mark.parametrize(
    ("grammar", "text", "meant"),
    [
        (RUNS, "loss > 1", "metrics.loss, params.loss, tags.loss, artifact_uri, "),
        (EXPERIMENTS, "team = 'x'", "tags.team, creation_time, "),
        (MODELS, "owner = 'x'", "tags.owner, name"),
        (RUNS, "`val loss` > 1", "artifact_uri, "),
        (RUNS, f"{'a' * 101} > 1", "artifact_uri, "),
        (RUNS, "datasets.loss = 'x'", "context, "),
    ],
)
def test_what_was_logged_under_a_name_is_named_where_its_entity_was_left_out(
    grammar: Grammar, text: str, meant: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, grammar)
    assert str(caught.value.next).startswith(f"use one of: {meant}")


def test_an_order_names_what_can_be_ordered_by() -> None:
    for grammar, meant in ((RUNS, "metrics.loss, params.loss, tags.loss, "), (MODELS, "creation_timestamp, ")):
        with pytest.raises(UsageError) as caught:
            orders(["loss"], grammar)
        assert str(caught.value.next).startswith(f"use one of: {meant}")
