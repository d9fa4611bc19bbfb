from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from argosy.errors import InputError, UnknownError
from argosy.registry.card import Card, card, to_html, to_markdown
from argosy.store import Store, aliases, applications, origin, versions
from tests.console import build
from tests.console.declared import digest


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with build.home(Path(tmp_path_factory.mktemp("card"))) as found:
        yield found


def of(store: Store, address: str) -> Card:
    with store.read() as conn:
        return card(conn, store, address)


def test_a_card_tells_what_its_facts_hold(store: Store) -> None:
    found = of(store, "late-arrival/EWR/9E@2")
    with store.read() as conn:
        version = versions.find(conn, "late-arrival", "EWR/9E", 2)
    assert version is not None
    assert (found.fleet, found.member, found.number, found.trained.rows) == ("late-arrival", "EWR/9E", 2, version.rows)
    assert found.held_out.rows == 812 and found.held_out.high == version.at
    assert found.datasets == ("flights@9", "weather@9")
    assert {score.name: score.value for score in found.scores}["log_loss"] == version.metrics["log_loss"]
    assert [ruling.gate for ruling in found.gates] == ["log_loss beats champion", "roc_auc >= 0.55"]
    assert sum(each.importance for each in found.inputs) == pytest.approx(1)
    assert found.inputs[0].importance == max(each.importance for each in found.inputs)
    assert (found.git_commit or "").startswith("3f2a9c1d") and found.dirty
    assert ", with changes that were not committed" in to_markdown(found)
    assert found.libraries["polars"] == "2.1.0" and found.cost["cpu_s"] == 0.21
    assert any("origin = EWR, carrier = 9E" in limit for limit in found.limits)


def test_the_role_is_that_of_now(store: Store) -> None:
    with store.read() as conn:
        champion = aliases.current(conn, "late-arrival", "champion")
        ours = [v for v in versions.of(conn, champion) if champion[v.member_id].version_id == v.id][:1]
        keys = conn.exec_driver_sql("select id, key from member").fetchall()
    key = dict(tuple(row) for row in keys)[ours[0].member_id]
    assert of(store, f"late-arrival/{key}@{ours[0].number}").role.startswith("champion since")
    assert of(store, "late-arrival/EWR/9E@1").role.startswith("was champion from")


def test_a_comparison_says_whether_it_decides(store: Store) -> None:
    words = {"better": "Better than the champion", "worse": "Worse than", "even": "Not clearly different from"}
    seen = set()
    with store.read() as conn:
        addresses = [f"late-arrival/*@{number}" for number in range(1, 7)] + ["late-arrival/EWR/9E@1"]
        for address in addresses:
            (duel,) = card(conn, store, address).duels
            seen.add(duel.verdict)
            assert duel.words.startswith(words[duel.verdict])
            assert (duel.low <= 0 <= duel.high) == (duel.verdict == "even")
            if duel.verdict == "better":
                assert duel.own < duel.theirs, "a smaller log-loss is better"
    assert len(seen) > 1


def test_the_pooled_model_and_the_latest_version_have_cards(store: Store) -> None:
    pooled = of(store, "late-arrival/*")
    assert pooled.address.startswith("late-arrival/*@") and "members without a model of their own" in pooled.limits[0]


def test_slices_stand_in_the_order_of_their_numbers_and_words_by_their_rows(store: Store) -> None:
    with store.write() as tx:
        old = versions.find(tx, "late-arrival", "EWR/B6", None)
        assert old is not None
        parts = [{"rows": rows, "label": 0.2, "prediction": 0.2, "scores": {}} for rows in (9, 8, 7)]
        values = {"hour": ("10", "9", "-1.5"), "place": ("south", "7", "east")}
        slices = {
            name: [{**part, "value": v} for part, v in zip(parts, said, strict=True)] for name, said in values.items()
        }
        fields = {name: getattr(old, name) for name in versions.NewVersion.__struct_fields__}
        (made,) = versions.add(
            tx, [versions.NewVersion(**{**fields, "key": "k", "body": {**old.body, "slices": slices}})]
        )
    found = of(store, f"late-arrival/EWR/B6@{made.number}").slices
    assert [part.value for part in found["hour"]] == ["-1.5", "9", "10"]
    assert [part.value for part in found["place"]] == ["south", "7", "east"]


def test_the_interval_is_told_with_what_it_was_seen_to_hold(store: Store) -> None:
    def told(interval: dict[str, object] | None) -> tuple[str, str]:
        with store.write() as tx:
            old = versions.find(tx, "late-arrival", "EWR/B6", None)
            assert old is not None
            fields = {name: getattr(old, name) for name in versions.NewVersion.__struct_fields__}
            body = {**old.body, "interval": interval}
            (made,) = versions.add(tx, [versions.NewVersion(**{**fields, "key": "k", "body": body})])
        found = of(store, f"late-arrival/EWR/B6@{made.number}")
        return to_markdown(found), to_html(found)

    known = {"coverage": 0.9, "margin": 12.25, "rows": 400, "measured": 0.885, "judged": 200}
    for text in told(known):
        assert (
            "Interval: 90 % of the labels within 12.25 of the prediction, by 400 held-out rows; it held 88.5 %" in text
        )
    for text in told(known | {"measured": None, "judged": 5}):
        assert "by 400 held-out rows" in text and "it held" not in text
    for text in told(known | {"margin": None, "rows": 8}):
        assert "No interval: 8 held-out rows are too few for 90 %" in text
    for text in told(None):
        assert "nterval:" not in text


def test_quantiles_are_told_with_what_they_were_seen_to_hold(store: Store) -> None:
    def told(crossed: float) -> tuple[str, str]:
        with store.write() as tx:
            old = versions.find(tx, "late-arrival", "EWR/B6", None)
            assert old is not None
            fields = {name: getattr(old, name) for name in versions.NewVersion.__struct_fields__}
            quantiles = {"levels": [0.1, 0.5, 0.9], "share": [0.131, 0.47, 0.885], "crossed": crossed}
            body = {**old.body, "quantiles": quantiles}
            (made,) = versions.add(tx, [versions.NewVersion(**{**fields, "key": "k", "body": body})])
        found = of(store, f"late-arrival/EWR/B6@{made.number}")
        return to_markdown(found), to_html(found)

    for text in told(0.25):
        assert (
            "Quantiles: of the held-out labels, 13.1 % at q10, 47.0 % at q50, 88.5 % at q90 or less; in 25.0 %" in text
        )
    for text in told(0.0):
        assert "88.5 % at q90 or less" in text and "put in order" not in text
    assert "Quantiles" not in to_markdown(of(store, "late-arrival/EWR/B6@1"))


def test_what_is_not_there_is_said(store: Store) -> None:
    for address in ("late-arrival/EWR/9E@99", "late-arrival/XX@1", "none@1"):
        with pytest.raises(UnknownError, match="no version"):
            of(store, address)
    with pytest.raises(InputError, match="not an address"):
        of(store, "late-arrival/@1")


def test_markdown_keeps_its_tables(store: Store) -> None:
    text = to_markdown(of(store, "late-arrival/EWR/9E@2"))
    lines = text.splitlines()
    assert lines[0] == "# late-arrival/EWR/9E@2"
    for index, line in enumerate(lines):
        if line.startswith("| ---") or line.startswith("|---"):
            width = line.count("|")
            assert lines[index - 1].count("|") == width
            following = lines[index + 1]
            assert following.startswith("|") and following.replace("\\|", "").count("|") == width
    for part in (
        "Limits of use",
        "Scores on the held-out rows",
        "Gates",
        "Features",
        "Lineage",
        "Code and environment",
    ):
        assert f"## {part}" in lines
    at = lines.index("### By weekday")
    assert lines[at + 2] == "| weekday | rows | mean label | mean prediction | log_loss | 95 % interval |"
    assert lines[at + 4].startswith("| 5 | 809 | 0.21 | 0.19 | 0.")
    assert lines[at + 5] == "| 6\\|7 | 3 | 0 | 0.11 | — | undefined on these rows |"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href") or name.startswith("on")]
        if tag not in ("meta", "link", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_stands_on_its_own(store: Store) -> None:
    parser = _Tags()
    text = to_html(of(store, "late-arrival/EWR/9E@2"))
    parser.feed(text)
    assert "<h2>Slices of the held-out rows</h2>" in text and "<td>6|7</td>" in text
    assert parser.open == [] and parser.loaded == [] and "<script" not in text


def test_code_that_was_committed_since_is_named_by_its_commit(tmp_path: Path) -> None:
    clean = applications.NewApplication(
        bundle=digest("bundle"), project="flights", at=build.NOW, actor="ada", git_commit="77" * 20
    )
    with build.home(tmp_path / "home") as store:
        with store.write() as tx:
            applications.add(tx, [clean])
        found = of(store, "late-arrival/EWR/9E@2")
        with store.read() as conn:
            known = origin.of_version(conn, "late-arrival", "EWR/9E", 2)
    assert known is not None and known.code is not None
    assert (found.git_commit, found.dirty) == (known.code.git_commit, known.code.dirty) == ("77" * 20, False)
    assert "not committed" not in to_markdown(found)
