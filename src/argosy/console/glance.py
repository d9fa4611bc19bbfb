"""What the controller would look at, but for what sources offer: none is asked, no code of a project is run."""

from __future__ import annotations

from sqlalchemy import Connection

from argosy.controller import libraries, observe, supply
from argosy.controller.observe import FleetState, Snapshot, Wanted
from argosy.data.state import blocked
from argosy.spec.fleet import Fleet
from argosy.store import datasets, verdicts


def snapshot(conn: Connection) -> Snapshot:
    """The snapshot that `plan` and `why` take. Views count as materialised, and nothing as pending."""
    wanted = observe.wanted(conn)
    sources, views, fleets = observe.kinds(wanted)
    versions = datasets.latest(conn)
    states = {name: _state(conn, fleet, wanted["fleet", name]) for name, fleet in fleets.items()}
    known = {name: versions[view.dataset].number for name, view in views.items() if view.dataset in versions}
    empty = supply.lacks(conn, wanted, [name for name in sources if name not in versions], versions)
    lacks = {name: str(lack) for name, lack in empty.items()}
    return Snapshot(wanted, versions, states, blocked=blocked(conn, sources), lacks=lacks, materialised=known)


def _state(conn: Connection, fleet: Fleet, given: Wanted) -> FleetState:
    undecided = verdicts.undecided(conn, fleet.name, fleet.approval)
    known, installed = libraries.known(conn, fleet.name), libraries.installed(given.packages)
    return FleetState(
        fleet, given.revision, observe.table(conn, fleet.name), undecided, libraries=known, installed=installed
    )
