"""Runs of Argosy's own are called by their ids."""

from __future__ import annotations

import uuid

from argosy.store.tracking import naming


def test_names_are_of_ids_and_never_as_chance_makes_them() -> None:
    names = [naming.of_execution(7), naming.of_pipeline(7), naming.of_training("late", 7)]
    assert names[:2] == ["e0000000000000000000000000000007", "a0000000000000000000000000000007"]
    for name in names:
        assert len(name) == 32 and int(name, 16) and naming.is_own(name)
    assert not any(naming.is_own(name) for name in (uuid.uuid4().hex, "e" * 32, "0" * 32, ""))


def test_names_lead_back_to_ids() -> None:
    execution, pipeline = naming.of_execution(7), naming.of_pipeline(2**40)
    assert (naming.execution(execution), naming.pipeline(execution)) == (7, None)
    assert (naming.execution(pipeline), naming.pipeline(pipeline)) == (None, 2**40)
    assert naming.pipeline("a" * 32) is None


def test_trainings_of_other_fleets_and_times_have_other_names() -> None:
    found = {naming.of_training(fleet, at) for fleet in ("late", "early") for at in (7, 8)}
    assert len(found) == 4 and naming.of_training("late", 7) in found
