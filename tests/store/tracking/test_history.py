"""The history of things: who set what, when, from what, to what and why."""

from __future__ import annotations

from datetime import timedelta

from argosy.store import Store
from argosy.store.models import aliases, registered, versions
from argosy.store.tracking import experiments, history, labels, runs, texts
from argosy.store.tracking.changes import MODEL, VERSION, Hand, Past


def _told(found: list[Past]) -> list[tuple[str, str, str | None, str | None, str]]:
    return [(each.actor, each.field, each.before, each.after, each.reason) for each in found]


def test_what_was_set_once_is_told_beside_what_changed(store: Store, hand: Hand) -> None:
    bob = Hand("bob", hand.at + timedelta(hours=1))
    with store.write() as tx:
        run = runs.create(tx, 0, "tree", hand.at, hand, tags={"team": "ops"})
        other = runs.create(tx, 0, "other", hand.at, hand)
        texts.put(tx, texts.PARAMETER, run.id, 0, {"depth": "6"}, hand)
        runs.set_tags(tx, run, {"team": "data"}, bob)
        runs.delete(tx, run.run, bob._replace(at=bob.at + timedelta(hours=1)), "a trial")
        found = history.of_run(tx, run.run)
        assert _told(found)[:2] == [
            ("bob", "deleted", None, (bob.at + timedelta(hours=1)).isoformat(), "a trial"),
            ("bob", "tag:team", "ops", "data", ""),
        ]
        assert sorted(_told(found)[2:-1]) == [
            ("ann", "parameter:depth", None, "6", ""), ("ann", "tag:mlflow.runName", None, "tree", ""),
            ("ann", "tag:team", None, "ops", ""),
        ]  # fmt: skip
        assert _told(found)[-1] == ("ann", "created", None, "tree", "")
        assert history.of_run(tx, run.run, limit=2) == found[:2]
        assert len(history.of_run(tx, other.run)) == 2 and history.of_run(tx, "0" * 32) == []


def test_who_set_what_first_is_told_after_it_was_changed_removed_and_set_anew(store: Store, hand: Hand) -> None:
    def by(name: str, hours: int) -> Hand:
        return Hand(name, hand.at + timedelta(hours=hours))

    told = [
        ("eve", "tag:k", "3", "4", ""), ("dan", "tag:k", None, "3", ""), ("cyd", "tag:k", "2", None, ""),
        ("bob", "tag:k", "1", "2", ""), ("ann", "tag:k", None, "1", ""),
    ]  # fmt: skip
    with store.write() as tx:
        run = runs.create(tx, 0, "tree", hand.at, hand)
        model = registered.create(tx, "late", hand)
        for place, (actor, _, _, value, _) in enumerate(reversed(told), 1):
            if value is None:
                texts.remove(tx, run.id, "k", by(actor, place), run.run)
                labels.remove(tx, MODEL, model.entity, "k", by(actor, place))
            else:
                runs.set_tags(tx, run, {"k": value}, by(actor, place))
                labels.put(tx, MODEL, model.entity, {"k": value}, by(actor, place))
        assert _told(history.of_run(tx, run.run))[:5] == told
        assert _told(history.of_model(tx, model.id))[:5] == told


def test_the_history_of_an_experiment_goes_on_through_the_trash(store: Store, hand: Hand) -> None:
    later = [Hand("bob", hand.at + timedelta(hours=hours)) for hours in range(1, 5)]
    with store.write() as tx:
        id = experiments.create(tx, "one", hand, tags={"team": "ops"})
        experiments.rename(tx, id, "two", later[0])
        experiments.delete(tx, id, later[1], "by mistake")
        experiments.restore(tx, id, later[2], "it was")
        assert _told(history.of_experiment(tx, id)) == [
            ("bob", "deleted", later[1].at.isoformat(), None, "it was"),
            ("bob", "deleted", None, later[1].at.isoformat(), "by mistake"),
            ("bob", "name", "one", "two", ""),
            ("ann", "tag:team", None, "ops", ""),
            ("ann", "created", None, "two", ""),
        ]


def test_the_history_of_a_model_has_that_of_its_versions(store: Store, hand: Hand) -> None:
    later = [Hand("bob", hand.at + timedelta(hours=hours)) for hours in range(1, 5)]
    with store.write() as tx:
        model = registered.create(tx, "late", hand, tags={"team": "ops"})
        registered.create(tx, "other", hand)
        one = versions.create(tx, model, "s3://a/1", later[0], tags={"by": "hand"})
        versions.move(tx, one, versions.STAGING, later[1])
        aliases.put(tx, model, "best", 1, later[2], "it won")
        labels.put(tx, MODEL, model.entity, {"team": "data"}, later[3])
        labels.put(tx, VERSION, one.entity, {"by": "job"}, later[3]._replace(at=later[3].at + timedelta(hours=1)))
        found = history.of_model(tx, model.id)
        assert _told(found) == [
            ("bob", "@1 tag:by", "hand", "job", ""),
            ("bob", "tag:team", "ops", "data", ""),
            ("bob", "alias:best", None, "1", "it won"),
            ("bob", "@1 stage", "None", "Staging", ""),
            ("bob", "@1 tag:by", None, "hand", ""),
            ("bob", "@1 created", None, "s3://a/1", ""),
            ("ann", "tag:team", None, "ops", ""),
            ("ann", "created", None, "late", ""),
        ]
        assert history.of_model(tx, model.id, limit=3) == found[:3]
