"""The loop end to end on real flights: it converges, does nothing twice, and one bad member stops nobody."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path
from threading import Event

import polars as pl
import pytest
from sqlalchemy import Connection

from argosy.controller import loop, survey
from argosy.controller.act.materialise import source
from argosy.controller.act.train import AT
from argosy.controller.action import Group, Ingest, Materialise, Train, Wait, Watch
from argosy.controller.apply import apply
from argosy.controller.clock import ManualClock
from argosy.controller.house import House
from argosy.controller.loop import Done, tick
from argosy.controller.plan import plan
from argosy.controller.why import why
from argosy.data.read import scan
from argosy.data.source import Past, Pending
from argosy.engine import key
from argosy.features.join import join
from argosy.features.source import Source
from argosy.spec.dataset import Dataset
from argosy.store import datasets, events, findings
from argosy.store.store import Store
from tests.controller.conftest import START

FLEET = "late-arrival"


def kinds(done: list[Done]) -> Counter[type]:
    assert not [each for each in done if each.failed], [each.said for each in done if each.failed]
    return Counter(type(each.action) for each in done)


def declare(project: Path, pattern: str, by: str) -> None:
    module = project / "flights.py"
    text = module.read_text()
    changed = re.sub(pattern, by, text)
    assert changed != text, pattern
    module.write_text(changed)


def test_one_tick_brings_a_declared_fleet_from_files_to_champions(house: House) -> None:
    table = survey.observe(house, START).fleets[FLEET].table
    assert table["key"].to_list() == ["*", "LGA/AA", "LGA/MQ", "LGA/YV"]
    assert table.filter(pl.col("key") != "LGA/YV")["target"].is_in(["own", "pooled"]).all()
    small = table.row(by_predicate=pl.col("key") == "LGA/YV", named=True)
    assert small["version_id"] is None and small["rows"] < 300


def test_why_says_that_a_training_was_not_asked_for_by_the_condition(house: House) -> None:
    with house.store.read() as conn:
        told = why(conn, survey.observe(house, START), f"{FLEET}/LGA/AA", START)
    (trained,) = (topic for topic in told.topics if topic.title == "Latest training")
    assert trained.tree is not None and not trained.tree.holds
    assert "its condition did not hold then, and was not what asked for it" in trained.details


def test_the_second_tick_has_nothing_to_do_and_writes_nothing(house: House) -> None:
    with house.store.read() as conn:
        before = events.since(conn, limit=10_000)
    assert tick(house, START) == []
    assert plan(survey.observe(house, START), START).actions == ()
    with house.store.read() as conn:
        assert events.since(conn, limit=10_000) == before


def test_training_again_with_nothing_changed_fits_nothing_and_one_changed_member_fits_once(
    house: House, project: Path
) -> None:
    snapshot = survey.observe(house, START)
    state = snapshot.fleets[FLEET]
    everyone = Train(FLEET, (Group("by hand", ("LGA/AA", "LGA/MQ")),), True, "by hand", state.revision)
    said = loop._act(house, snapshot, everyone, START, None)
    assert "0 new versions" in said

    table = pl.read_parquet(project / "data" / "flights" / "2013-02.parquet")
    one = table.filter(pl.col("carrier") == "AA").head(1)
    one = one.with_columns(
        flight_id=pl.lit("extra"), recorded_at=pl.lit(START - timedelta(hours=1)).cast(one.schema["recorded_at"])
    )
    one.write_parquet(project / "data" / "flights" / "extra.parquet")
    tick(house, START, only=(Ingest, Materialise, Watch))
    snapshot = survey.observe(house, START)
    again = Train(FLEET, (Group("by hand", ("LGA/AA", "LGA/MQ")),), False, "by hand", state.revision)
    assert "1 new version, 1 unchanged" in loop._act(house, snapshot, again, START, None)


def test_a_changed_gate_trains_nobody_and_a_changed_candidate_everybody(house: House, project: Path) -> None:
    declare(project, r"minimum=0\.55", "minimum=0.56")
    apply(house.store, project / "flights.py", START, "tester")
    assert Train not in kinds(tick(house, START))
    declare(project, r"num_leaves=7", "num_leaves=5")
    apply(house.store, project / "flights.py", START, "tester")
    planned = [a for a in plan(survey.observe(house, START), START).actions if isinstance(a, Train)]
    assert [group.members for group in planned[0].groups] == [("LGA/AA", "LGA/MQ")] and planned[0].pooled


def test_an_upgrade_makes_nobody_due_is_told_and_counts_at_the_next_training(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "site" / "catboost-1.2.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: catboost\nVersion: 1.2\n")
    monkeypatch.syspath_prepend(str(about.parent))
    key._version.cache_clear()
    try:
        snapshot = survey.observe(house, START)
        (wait,) = plan(snapshot, START).actions
        assert isinstance(wait, Wait) and wait.members == ("*", "LGA/AA", "LGA/MQ")
        assert "catboost none -> 1.2" in wait.why
        assert tick(house, START) == []
        with house.store.read() as conn:
            told = {topic.title: topic for topic in why(conn, snapshot, f"{FLEET}/LGA/AA", START).topics}
        assert told["Latest training"].details[-1].startswith("the libraries are others now: catboost none -> 1.2;")
        assert told["Now"].says.startswith("nothing: its condition does not hold")

        again = Train(FLEET, (Group("by hand", ("LGA/AA",)),), False, "by hand", 1)
        assert "1 new version, 0 unchanged" in loop._act(house, snapshot, again, START, None)
        after = survey.observe(house, START)
        (wait,) = (a for a in plan(after, START).actions if isinstance(a, Wait))
        assert wait.members == ("*", "LGA/MQ")
        with house.store.read() as conn:
            told = {topic.title: topic for topic in why(conn, after, f"{FLEET}/LGA/AA@2", START).topics}
        changed = told["What changed from @1 to @2"]
        assert (changed.says, changed.details) == ("the installed libraries", ("catboost none -> 1.2",))
    finally:
        key._version.cache_clear()


def test_a_changed_helper_of_a_view_computes_it_anew(house: House, project: Path) -> None:
    declare(project, r'for span in \("3h", "24h"\)', 'for span in ("2h", "24h")')
    apply(house.store, project / "flights.py", START, "tester")
    seen = survey.observe(house, START)
    assert len(seen.outdated) == 2 and not seen.failed and not seen.outdated & seen.materialised.keys()
    (wait,) = (each for each in plan(seen, START).actions if isinstance(each, Wait))
    assert "its code or its declaration changed: it is computed from" in wait.why and wait.why.endswith("due now")
    done = tick(house, START)
    assert kinds(done)[Materialise] == 2
    assert not survey.observe(house, START).outdated
    with house.store.read() as conn:
        (name,) = [
            n for n in datasets.latest(conn) if n.startswith("airport_state") and _columns(conn, n, "airport_delay_2h")
        ]
        assert datasets.version(conn, name) is not None


def _columns(conn: object, name: str, column: str) -> bool:
    version = datasets.version(conn, name)  # type: ignore[arg-type]
    return version is not None and column in version.columns


def test_the_impossible_wind_is_set_aside_with_its_reason(house: House) -> None:
    with house.store.read() as conn:
        aside = scan(conn, house.store, "weather", purpose="quarantine").collect()
        found = [f for f in findings.of(conn, "weather", 1) if f.column == "wind_speed"]
    assert aside["wind_speed"].to_list() == [pytest.approx(1048.4, abs=0.1)]
    assert found and found[0].rows == 1


def test_features_read_online_equal_the_offline_join_row_by_row(house: House) -> None:
    snapshot = survey.observe(house, START)
    state = snapshot.fleets[FLEET]
    with house.store.read() as conn:
        rows = (
            scan(conn, house.store, "flights")
            .collect()
            .with_columns((pl.col("scheduled_departure") - timedelta(hours=1)).alias(AT))
        )
        for name in ("conditions", "airport_state", "carrier_state", "aircraft"):
            view = snapshot.wanted["feature_view", name].declaration
            (table,) = [n for n in datasets.latest(conn) if n.startswith(f"{name}.features.")]
            version = datasets.version(conn, table)
            assert version is not None
            dataset = snapshot.wanted["dataset", view.dataset].declaration  # type: ignore[union-attr]
            given: Source = source(view, dataset, list(version.columns))  # type: ignore[arg-type]
            offline = join(rows, AT, [(given, scan(conn, house.store, table))]).select(given.columns)
            online = house.online.read([given], {c: rows[c].to_list() for c in given.entity}, rows[AT].to_list())
            assert online.select(given.columns).equals(offline, null_equal=True)
            assert offline.null_count().row(0)[0] < offline.height
    assert state.fleet.name == FLEET


def test_a_member_that_kills_its_worker_fails_alone_and_is_tried_again_later(fresh: House, project: Path) -> None:
    (project / "fragile.py").write_text(
        "import os, signal\n"
        "from lightgbm import LGBMClassifier\n\n\n"
        "class Fragile(LGBMClassifier):\n"
        "    def fit(self, X, y, **more):\n"
        "        if 650 < len(y) < 1200:\n"
        "            os.kill(os.getpid(), signal.SIGSEGV)\n"
        "        return super().fit(X, y, **more)\n"
    )
    declare(project, r"from lightgbm import LGBMClassifier", "from fragile import Fragile")
    declare(project, r"LGBMClassifier\(", "Fragile(")
    apply(fresh.store, project / "flights.py", START, "tester")
    tick(fresh, START)
    table = survey.observe(fresh, START).fleets[FLEET].table
    by_key = {row["key"]: row for row in table.iter_rows(named=True)}
    failed = [key for key, row in by_key.items() if row["execution_outcome"] == "failed"]
    landed = [key for key, row in by_key.items() if row["version_id"] is not None]
    assert failed and landed and not set(failed) & set(landed)
    assert "crash" in by_key[failed[0]]["execution_reason"]
    waits = [a for a in plan(survey.observe(fresh, START), START).actions]
    assert [type(a).__name__ for a in waits] == ["Wait"] and set(failed) <= set(waits[0].members)
    later = plan(survey.observe(fresh, START + timedelta(hours=2)), START + timedelta(hours=2))
    assert any(isinstance(action, Train) for action in later.actions)


RAISED = r'return rows\.select\("origin", "observed_at", "temp".*'


def test_a_conflict_is_a_failure_that_is_told(fresh: House, project: Path) -> None:
    declare(project, RAISED, 'raise __import__("argosy.errors").errors.ConflictError("the sensor is in use")')
    apply(fresh.store, project / "flights.py", START, "tester")
    (failed,) = [each for each in tick(fresh, START, only=(Ingest, Materialise)) if each.failed]
    with fresh.store.read() as conn:
        (event,) = [e for e in events.of_subject(conn, "view:conditions") if e.kind == "failed"]
    assert failed.said == "the sensor is in use" and event.message.endswith(": the sensor is in use")


@pytest.mark.parametrize(
    "then", ["raise ValueError('too late')", "return rows.select('origin', 'observed_at', 'temp')"]
)
def test_what_is_done_under_a_lost_lease_is_left_to_its_owner_without_a_word(
    fresh: House, project: Path, then: str
) -> None:
    (project / "thief.py").write_text(
        "from datetime import UTC, datetime, timedelta\n"
        "from argosy.store import Store, leases\n\n\n"
        "def steal(rows):\n"
        f"    with Store.open({fresh.store.home!r}) as store:\n"
        "        later = datetime.now(UTC) + timedelta(hours=1)\n"
        "        assert leases.claim(store, 'view:conditions', 'thief', later, timedelta(hours=1))\n"
        f"    {then}\n"
    )
    declare(project, RAISED, "return __import__('thief').steal(rows)")
    apply(fresh.store, project / "flights.py", START, "tester")
    (failed,) = [each for each in tick(fresh, START, only=(Ingest, Materialise)) if each.failed]
    assert failed.said.startswith("left to another process: lease view:conditions of ")
    with fresh.store.read() as conn:
        assert events.of_subject(conn, "view:conditions") == []
        assert not [name for name in datasets.latest(conn) if name.startswith("conditions.features")]


def test_a_pass_that_fails_as_a_whole_does_not_end_the_loop(fresh: House, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, passes = Event(), []

    def failing(*given: object) -> None:
        passes.append(given)
        if len(passes) == 3:
            stop.set()
        raise PermissionError("data/flights")

    monkeypatch.setattr(survey, "observe", failing)
    loop.run(fresh, ManualClock(START), stop, every=0.01)
    assert len(passes) == 3


SAME = ("key", "version_number", "version_rows", "version_key", "target", "champion_number", "rollout_state", "rows")


@pytest.mark.slow
@pytest.mark.postgres
def test_a_fleet_on_postgres_is_the_fleet_on_sqlite(
    postgres: str, project: Path, landed: Path, trained: Path, tmp_path: Path
) -> None:
    with Store.open(postgres, blobs=tmp_path / "pg" / "blobs") as store:
        apply(store, project / "flights.py", START, "tester")
        with House(store, workers=2) as house:
            assert not [each.said for each in tick(house, START) if each.failed]
            assert tick(house, START) == []
            found = survey.observe(house, START).fleets[FLEET].table.select(SAME)
    with Store.open(trained) as store, House(store, workers=1) as house:
        wanted = survey.observe(house, START).fleets[FLEET].table.select(SAME)
    assert found.equals(wanted, null_equal=True)


def test_a_source_that_cannot_be_asked_blocks_its_dataset_with_the_reason_and_stops_no_pass(house: House) -> None:
    wanted = survey.observe(house, START).wanted["dataset", "flights"]
    assert wanted.bundle is not None
    shutil.rmtree(house.places.bundles)
    house.store.blobs.path(wanted.bundle).unlink()
    snapshot = survey.observe(house, START)
    assert set(snapshot.blocked) == {"flights", "departures", "weather", "planes", "airports"}
    assert wanted.bundle[:12] in snapshot.blocked["flights"]
    assert not [action for action in plan(snapshot, START).actions if isinstance(action, Ingest)]


def test_a_new_process_asks_each_source_once_in_a_tick_and_again_only_where_it_took_something_in(
    house: House, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = max((project / "data" / "weather").glob("*.parquet"))
    rows = pl.read_parquet(newest).tail(1).with_columns(pl.col("observed_at") + timedelta(hours=1))
    rows.write_parquet(newest.with_name("later.parquet"))
    asked: Counter[str] = Counter()
    real = survey.pending

    def pending(conn: Connection, dataset: Dataset, root: Path, facts: Past) -> Pending:
        asked[dataset.name] += 1
        return real(conn, dataset, root, facts)

    monkeypatch.setattr(survey, "pending", pending)
    monkeypatch.setattr(house, "_held", {})  # as in a process that has held no lease yet
    done = tick(house, START, only=(Ingest, Materialise))
    assert [each.action.subject for each in done if not each.failed][:2] == ["dataset:weather", "view:conditions"]
    assert asked.pop("weather") == 3  # before it was taken in, under its lease, and after
    assert set(asked.values()) == {1}
