"""Transactions: they are whole, snapshots hold still, and values come back as they went in."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.exc import DBAPIError

from argosy.errors import ConflictError, InputError
from argosy.store import Store, events, executions
from argosy.testing.sample import attempt, event, moment


class TransactionsConformance:
    """What holds whatever is recorded."""

    def test_a_transaction_that_fails_leaves_nothing(self, store: Store) -> None:
        """All or nothing."""
        with pytest.raises(ZeroDivisionError), store.write() as tx:
            events.add(tx, [event("lost")])
            raise ZeroDivisionError
        with store.read() as conn:
            assert events.since(conn) == []

    def test_a_snapshot_does_not_see_later_writes(self, store: Store) -> None:
        """Two queries of one snapshot agree."""
        with store.read() as conn:
            assert events.since(conn) == []
            with store.write() as tx:
                events.add(tx, [event("later")])
            assert events.since(conn) == []
        with store.read() as conn:
            assert [event.message for event in events.since(conn)] == ["later"]

    def test_a_snapshot_cannot_write(self, store: Store) -> None:
        """The database itself refuses."""
        with pytest.raises(DBAPIError), store.read() as conn:
            events.add(conn, [event("no")])

    def test_values_come_back_as_they_went_in(self, store: Store) -> None:
        """Time zones, JSON, text of any script."""
        body = {"a": [1, 2.5, None, True], "é": {"nested": "✓"}}
        new = events.NewEvent(at=moment(0.123456), kind="k", subject="s", actor="Ωé", message="a%b?c'd", body=body)
        with store.write() as tx:
            (id,) = events.add(tx, [new])
        with store.read() as conn:
            (found,) = events.since(conn)
        assert (found.id, found.at, found.body, found.actor, found.message) == (id, new.at, body, "Ωé", "a%b?c'd")

    def test_a_time_without_zone_is_refused(self, store: Store) -> None:
        """Before anything is stored."""
        with pytest.raises(InputError, match="no time zone"), store.write() as tx:
            events.add(tx, [events.NewEvent(at=datetime(2013, 1, 1), kind="k", subject="s", actor="a", message="m")])

    def test_a_reference_to_nothing_is_refused(self, store: Store) -> None:
        """Foreign keys hold."""
        with pytest.raises(ConflictError), store.write() as tx:
            executions.record(tx, [attempt(99, "nobody")])
