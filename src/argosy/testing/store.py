"""What every store guarantees."""

from __future__ import annotations

from argosy.testing.blobs import BlobsConformance
from argosy.testing.datasets import DatasetsConformance
from argosy.testing.facts import FactsConformance
from argosy.testing.leases import LeasesConformance
from argosy.testing.members import MembersConformance
from argosy.testing.processes import ProcessesConformance
from argosy.testing.reading import ReadingConformance
from argosy.testing.runs import RunsConformance
from argosy.testing.tallies import TalliesConformance
from argosy.testing.transactions import TransactionsConformance
from argosy.testing.underway import UnderwayConformance


class StoreConformance(
    TransactionsConformance,
    FactsConformance,
    DatasetsConformance,
    MembersConformance,
    ReadingConformance,
    BlobsConformance,
    LeasesConformance,
    RunsConformance,
    TalliesConformance,
    UnderwayConformance,
    ProcessesConformance,
):
    """Mix into a test class and define the fixture `store`: an open, empty `argosy.store.Store`.

    Other processes must be able to open it with `Store.open(store.home, blobs=store.blobs.root)`.
    """
