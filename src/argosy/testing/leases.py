"""Leases: one owner at a time, and late work is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from argosy.errors import LeaseError
from argosy.store import Store, leases
from argosy.testing.sample import moment

HOUR = timedelta(hours=1)


class LeasesConformance:
    """Who works on what."""

    def test_a_live_lease_is_not_given_twice(self, store: Store) -> None:
        """Not even to its owner; after it expired, with a higher token."""
        first = leases.claim(store, "shard/1", "ann", moment(), HOUR)
        assert first is not None
        assert leases.claim(store, "shard/1", "bob", moment(0.5), HOUR) is None
        assert leases.claim(store, "shard/1", "ann", moment(0.5), HOUR) is None
        second = leases.claim(store, "shard/1", "bob", moment(1), HOUR)
        assert second is not None
        assert second.token > first.token
        with store.read() as conn:
            assert leases.live(conn, moment(1.5), "shard/") == [second]
            assert leases.live(conn, moment(1.5), "other/") == leases.live(conn, moment(2)) == []

    def test_many_are_claimed_at_once(self, store: Store) -> None:
        """Up to the limit, and only free ones."""
        names = [f"shard/{number}" for number in range(6)]
        taken = leases.claim_any(store, names, "ann", moment(), HOUR, limit=4)
        rest = leases.claim_any(store, names, "bob", moment(), HOUR, limit=4)
        assert [lease.name for lease in taken + rest] == names
        assert leases.claim_any(store, names, "cid", moment(), HOUR, limit=4) == []
        assert leases.claim_any(store, [], "cid", moment(), HOUR, limit=4) == []

    def test_a_heartbeat_extends_what_is_still_held(self, store: Store) -> None:
        """What was lost is missing from its answer."""
        kept, lost = leases.claim_any(store, ["a", "b"], "ann", moment(), HOUR, limit=2)
        assert leases.claim(store, "b", "bob", moment(1), HOUR) is not None
        extended = leases.heartbeat(store, [kept, lost], moment(1), HOUR)
        assert [(lease.name, lease.expires_at) for lease in extended] == [("a", moment(2))]

    def test_a_released_lease_is_free_and_a_lost_one_stays(self, store: Store) -> None:
        """Tokens still grow."""
        held, lost = leases.claim_any(store, ["a", "b"], "ann", moment(), HOUR, limit=2)
        assert leases.claim(store, "b", "bob", moment(1), HOUR) is not None
        leases.release(store, [held, lost])
        again = leases.claim(store, "a", "cid", moment(0.1), HOUR)
        assert again is not None
        assert again.token > held.token
        assert leases.claim(store, "b", "cid", moment(1.1), HOUR) is None

    def test_work_under_a_lost_lease_is_refused(self, store: Store) -> None:
        """Its transaction leaves nothing."""
        stale = leases.claim(store, "a", "ann", moment(), HOUR)
        assert stale is not None
        with store.write() as tx:
            leases.hold(tx, [stale])
        fresh = leases.claim(store, "a", "bob", moment(1), HOUR)
        assert fresh is not None
        with pytest.raises(LeaseError, match="lost to bob"), store.write() as tx:
            leases.hold(tx, [stale])
        with store.write() as tx:
            leases.hold(tx, [fresh])
