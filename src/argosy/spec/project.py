"""A project: the declarations of a module, complete and consistent with one another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, get_args

import msgspec

from argosy.errors import DeclarationError
from argosy.spec import check
from argosy.spec.dataset import Dataset, in_order
from argosy.spec.document import Declaration, kind
from argosy.spec.feature import FeatureView, RequestFeatures, Spine, ViewReference
from argosy.spec.fleet import Fleet
from argosy.spec.pipeline import Pipeline
from argosy.spec.source import Function
from argosy.spec.trigger import After


class Project(msgspec.Struct, frozen=True):
    """All declarations of a project by name. References between them are checked when it is made."""

    datasets: dict[str, Dataset] = {}
    views: dict[str, FeatureView] = {}
    fleets: dict[str, Fleet] = {}
    pipelines: dict[str, Pipeline] = {}

    def __post_init__(self) -> None:
        for dataset in in_order(self.datasets.values()):
            for other in dataset.references:
                _known(f"Dataset({dataset.name!r}).contract.references", other, self.datasets)
        for view in self.views.values():
            _known(f"feature_view({view.name!r}).dataset", view.dataset, self.datasets)
        for fleet in self.fleets.values():
            _known(f"Fleet({fleet.name!r}).spine", fleet.spine, self.datasets)
            for item in fleet.features:
                if isinstance(item, ViewReference):
                    _known(f"Fleet({fleet.name!r}).features", item.name, self.views)
            self._label(fleet)
        for name in self.pipelines:
            self._chain(name, ())

    @classmethod
    def of(cls, declarations: Iterable[Declaration]) -> Project:
        """From declarations in any order. Two different ones of one kind and name are an error."""
        found: dict[str, dict[str, Any]] = {"dataset": {}, "feature_view": {}, "fleet": {}, "pipeline": {}}
        for declaration in declarations:
            known = found[kind(declaration)].setdefault(declaration.name, declaration)
            if known != declaration:
                raise check.fail(kind(declaration), declaration.name, "declared once", "rename one of the two")
        return cls(found["dataset"], found["feature_view"], found["fleet"], found["pipeline"])

    @classmethod
    def collect(cls, module: ModuleType) -> Project:
        """The declarations among a module's globals, in the order of their definition."""
        kinds = get_args(Declaration)
        declarations = [value for value in vars(module).values() if isinstance(value, kinds)]
        if not declarations:
            raise DeclarationError(
                f"module {module.__name__} declares nothing", next="write fleet = ag.Fleet(…) at the top of the module"
            )
        return cls.of(declarations)

    def declarations(self) -> list[Declaration]:
        """All of them, each after what it refers to."""
        return [*in_order(self.datasets.values()), *self.views.values(), *self.fleets.values(),
                *self.pipelines.values()]  # fmt: skip

    def functions(self, declaration: Declaration) -> tuple[str, ...]:
        """References to functions and classes that a declaration reaches: its own, its views' and its estimators'."""
        if isinstance(declaration, Dataset):
            return (declaration.source.function,) if isinstance(declaration.source, Function) else ()
        if isinstance(declaration, FeatureView):
            return (declaration.function,)
        if isinstance(declaration, Pipeline):
            return tuple(filter(None, (declaration.function, declaration.on_failure)))
        views = (self.views[f.name].function for f in declaration.features if isinstance(f, ViewReference))
        estimators = (name for each in declaration.candidates for name in each.estimator.references())
        return tuple(dict.fromkeys((*views, *estimators)))

    def _chain(self, name: str, before: tuple[str, ...]) -> None:
        """A pipeline must not, by way of others, start after itself."""
        if name in before:
            raise check.fail(f"pipeline({before[-1]!r}).on", f"after {name}", "after none that waits for it",
                             f"break the circle {' -> '.join([*before[before.index(name):], name])}")  # fmt: skip
        for trigger in self.pipelines[name].on if name in self.pipelines else ():
            if isinstance(trigger, After):
                self._chain(trigger.pipeline, (*before, name))

    def _label(self, fleet: Fleet) -> None:
        """The label itself, when it is known, and when its row is, must not be features."""
        names: list[str] = []
        for item in fleet.features:
            if isinstance(item, Spine):
                names.append(item.name)
            elif isinstance(item, RequestFeatures):
                names.extend(c for e in item.expressions.values() for c in e.columns())
        for leak in (fleet.label.column, fleet.label.known_at, self.datasets[fleet.spine].known):
            if leak in names:
                raise check.fail(f"Fleet({fleet.name!r}).features", leak, "known before the prediction",
                                 f"remove {leak!r} from the features")  # fmt: skip


def _known(field: str, name: str, among: Mapping[str, object]) -> None:
    if name not in among:
        known = ", ".join(sorted(among)) or "none is declared"
        raise check.fail(field, name, f"declared in the project ({known})", f"declare {name!r} in the same module")
