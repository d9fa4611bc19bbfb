"""Parameters of candidates, checked before anything is recorded: by those who fit, a misspelt one is ignored."""

from __future__ import annotations

from argosy.errors import ArgosyError, DeclarationError
from argosy.model import lightgbm
from argosy.spec import parameter
from argosy.spec.fleet import Fleet


def check(fleet: Fleet) -> None:
    """What candidates were given, and what is searched, must be parameters of their estimators.

    Raises DeclarationError that names the candidate, the parameter and the closest that there is. Of classes that take
    any keyword LightGBM's alone are known.
    """
    for candidate in fleet.candidates:
        field = f"Fleet({fleet.name!r}).candidates: Candidate({candidate.name!r})"
        try:
            estimator = candidate.estimator.build()
        except ArgosyError:
            raise
        except Exception as error:  # the class may be the project's own
            raise DeclarationError(
                f"{field}.estimator cannot be made: {type(error).__name__}: {error}", next="correct its parameters"
            ) from error
        parameter.check_given(f"{field}.estimator", estimator, _known)
        parameter.check(f"{field}.search", estimator, candidate.search, _known)


def _known(kind: type) -> frozenset[str] | None:
    """All names that a class of LightGBM takes; None for other libraries', and for one that adds names of its own."""
    module: str = kind.__init__.__module__  # type: ignore[misc]
    return lightgbm.parameters() | parameter.of_init(kind) if module.partition(".")[0] == "lightgbm" else None
