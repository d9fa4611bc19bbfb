from __future__ import annotations

import hashlib
from pathlib import Path

from argosy.controller import provenance
from argosy.store import Store, artifacts, edges, executions
from argosy.testing.sample import moment


def test_who_read_a_list_read_its_items(home: Path) -> None:
    item, roll = (hashlib.sha256(each).hexdigest() for each in (b"item", b"roll"))
    flows = [
        ("maker", "out", "artifact", item), ("list/1", "in", "artifact", item), ("list/1", "out", "list", roll),
        ("reader", "in", "list", roll), ("other", "in", "artifact", item),
    ]  # fmt: skip
    with Store.open(home) as store, store.write() as tx:
        subjects = list(dict.fromkeys(subject for subject, *_ in flows))
        made = [
            executions.NewExecution(
                key=each, kind="list" if each == "list/1" else "step", subject=each, started_at=moment(),
                ended_at=moment(), parameters={"arguments": {"values": {"content": f"list:{roll}", "count": 20}}},
            )
            for each in subjects
        ]  # fmt: skip
        ids = dict(zip(subjects, executions.record(tx, made), strict=True))
        edges.add(tx, [edges.Edge(execution_id=ids[e], direction=d, kind=k, reference=r) for e, d, k, r in flows])
        artifacts.add(tx, [
            artifacts.Artifact(digest=digest, kind=kind, bytes=4, at=moment(), data=data)
            for digest, kind, data in ((item, "value", b"item"), (roll, "list", b"roll"))
        ])  # fmt: skip
        of_item, of_list = provenance.artifact(tx, item), provenance.artifact(tx, roll)
        assert [each.subject for each in of_item.made_by] == ["maker"]
        assert [each.subject for each in of_item.read_by] == ["other", "reader"]
        assert [[each.subject for each in side] for side in (of_list.made_by, of_list.read_by)] == [
            ["list/1"],
            ["reader"],
        ]
        told = provenance.execution(tx, ids["reader"])
        assert told.read == [] and told.given[0].artifact is not None and told.given[0].artifact.digest == roll
