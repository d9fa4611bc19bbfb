"""What is true: facts in SQL tables, blobs by content, leases. It knows no machine learning and no HTTP.

Open a `Store`, then pass its `read()` snapshot or `write()` transaction to the functions of the
module of the noun: `members.table(conn, "late-arrival")`, `versions.add(tx, [...])`.
"""

from argosy.store.blobs import Blobs, Slot
from argosy.store.store import Store

__all__ = ["Blobs", "Slot", "Store"]
