"""Which features of a fleet's versions are tagged: those of tagged columns, under whatever name they came to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from argosy.model.signature import Signature, lineage
from argosy.spec import document
from argosy.spec.feature import FeatureView, RequestFeatures
from argosy.spec.fleet import Fleet
from argosy.spec.tag import inherited
from argosy.store import declarations

_VIEW = "view:"


def tags(conn: Connection, fleet: str, read: Iterable[str], signatures: Sequence[Signature]) -> dict[str, str]:
    """The tags of the columns of datasets, `read` as NAME@NUMBER, and of the features made of them.

    The datasets of the views that the signatures take features from count, too. Tags are those of now; what was removed
    keeps its last ones.
    """
    origins = {each.origin for signature in signatures for each in signature.features}
    views = sorted(each.removeprefix(_VIEW) for each in origins if each.startswith(_VIEW))
    last = [found for name in views for found in declarations.history(conn, "feature_view", name, limit=1)]
    declared = [document.recorded(each.body) for each in last]
    names = {each.rpartition("@")[0] for each in read}
    names |= {each.dataset for each in declared if isinstance(each, FeatureView)}
    known = declarations.tags(conn, names)
    wanted = declarations.get(conn, "fleet", fleet)
    current = document.recorded(wanted.body) if wanted is not None else None
    parts = current.features if isinstance(current, Fleet) else ()
    made = [each.expressions for each in parts if isinstance(each, RequestFeatures)]
    expressions = {name: each for some in made for name, each in some.items()}
    own = {name: tag for each in known.values() for name, tag in each.items()}
    return inherited(own, expressions, lineage(signatures))
