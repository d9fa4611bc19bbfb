"""What becomes of rows at the inference server that do not fit what a fleet takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from argosy.spec import check
from argosy.spec.declared import Declared
from argosy.spec.frozen import EMPTY
from argosy.spec.limit import ColumnName


class Inputs(Declared, frozen=True):
    """What the inference server does with rows that do not fit; whatever it lets pass it tells, as flags of the row.

    `missing`: a column that a request must carry and does not: `refuse` the request, or `impute` the value that `fill`
    has for it, null where it has none. Key columns are never imputed. `unknown`: a column that the fleet does not take:
    `refuse`, or `ignore` it. `domain`: a value against the contract of its column (bounds, allowed values, pattern,
    null where there must be none), or a category that no version was trained on: `refuse`, `flag` it and answer, or
    `impute` as above. A null that the contract allows is a value: each model has learnt what to make of it.
    """

    missing: Literal["refuse", "impute"] = "refuse"
    unknown: Literal["refuse", "ignore"] = "refuse"
    domain: Literal["refuse", "flag", "impute"] = "flag"
    fill: Mapping[ColumnName, float | str | bool] = EMPTY

    if TYPE_CHECKING:

        def __init__(
            self,
            missing: Literal["refuse", "impute"] = "refuse",
            unknown: Literal["refuse", "ignore"] = "refuse",
            domain: Literal["refuse", "flag", "impute"] = "flag",
            fill: Mapping[str, float | str | bool] = ...,
        ) -> None:
            """What a user may write; the fields hold its canonical form."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.fill:
            check.column("Inputs.fill", name)
        if self.fill and "impute" not in (self.missing, self.domain):
            raise check.fail(
                "Inputs.fill", dict(self.fill), "left out where nothing is imputed", "give missing='impute' as well"
            )
