"""URLs of the console, in one home."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, urlencode

from argosy.store.calls import WHOLE, Call
from argosy.store.tracking import naming

_SAFE = "/@*:"
_OF_DATASETS = frozenset({"stale", "fresh"})
_OF_FLEETS = frozenset({"fleet", "watch", "predictions"})


def fleet(name: str, **query: object) -> str:
    """A fleet's page."""
    return _with(f"/fleets/{_path(name)}", query)


def prediction(name: str, id: str) -> str:
    """The page of a prediction of a fleet, by the key of its row or the id of its request."""
    return f"/fleets/{_path(name)}/predictions/{_path(id)}"


def member(name: str, key: str) -> str:
    """A member's page."""
    return f"/members/{_path(_member(name, key))}"


def why(name: str, key: str) -> str:
    """The decisions about a member."""
    return f"/why/{_path(_member(name, key))}"


def version(name: str, key: str, number: int) -> str:
    """A version's model card."""
    return f"/versions/{_path(_member(name, key))}@{number}"


def dataset(name: str) -> str:
    """A dataset's page; `flights@3` is that of the dataset."""
    return f"/datasets/{_path(name.partition('@')[0])}"


def events(**query: object) -> str:
    """The feed of events."""
    return _with("/events", query)


def alerts(**query: object) -> str:
    """The alerts."""
    return _with("/alerts", query)


def runs(**query: object) -> str:
    """The runs of pipelines."""
    return _with("/runs", query)


def pipeline(name: str) -> str:
    """The runs of one pipeline."""
    return runs(where=f"pipeline:{name}")


def run(id: int) -> str:
    """A run's page."""
    return f"/runs/{id}"


def step(id: int, node: str, **query: object) -> str:
    """A step of a run, or one element of it; the first is number 0."""
    given: dict[str, object] = {name: str(value) for name, value in query.items() if value is not None}
    return _with(f"/runs/{id}/{_path(node)}", given)


def call(made: Call) -> str:
    """The page of one call of a step."""
    return step(made.run_id, made.node, element=None if made.element == WHOLE else made.element)


def artifact(digest: str) -> str:
    """An artifact's page."""
    return f"/artifacts/{_path(digest)}"


def experiments(**query: object) -> str:
    """The list of experiments."""
    return _with("/experiments", query)


def experiment(id: int, **query: object) -> str:
    """The runs of an experiment."""
    return _with(f"/experiments/{id}", query)


def tracked(run: str, **query: object) -> str:
    """The page of a tracked run."""
    return _with(f"/tracked/{_path(run)}", query)


def execution(id: int) -> str:
    """The page of the tracked run that an execution is."""
    return tracked(naming.of_execution(id))


def run_tracked(id: int) -> str:
    """The page of the tracked run that a run of a pipeline is."""
    return tracked(naming.of_pipeline(id))


def models(**query: object) -> str:
    """The list of registered models."""
    return _with("/models", query)


def model(name: str, **query: object) -> str:
    """A registered model; one whose name is an address is a member of a fleet."""
    return f"/members/{_path(name)}" if "/" in name else _with(f"/models/{quote(name, safe='')}", query)


def logged(model: str) -> str:
    """A logged model's page."""
    return f"/logged/{_path(model)}"


def file(of: str, path: str) -> str:
    """A file of what has the page `of`, to keep."""
    return f"{of}/files/{_path(path)}"


def sight(of: str, path: str) -> str:
    """A picture or a page of what has the page `of`, to look at."""
    return f"{of}/shown/{_path(path)}"


def compare(runs: Iterable[str], **query: object) -> str:
    """Tracked runs side by side."""
    return _with("/compare", {"run": list(runs), **query})


def lineage(kind: str, reference: str, **query: object) -> str:
    """The neighbourhood of a thing."""
    return _with(f"/lineage/{_path(kind)}/{_path(reference)}", query)


def thing(kind: str, reference: str) -> str:
    """The page that shows most of a node of the lineage."""
    if kind == "version" and "@" in reference:
        return f"/versions/{_path(reference)}"
    if kind == "dataset":
        return dataset(reference)
    return artifact(reference) if kind in ("artifact", "list", "log") else lineage(kind, reference)


def subject(name: str, kind: str) -> str | None:
    """The page of the subject of an event of a kind: `late-arrival/JFK/AA`, `dataset:flights`, `pipeline:nightly`.

    A project, which is what was applied, has none, nor has the demo, which was replayed.
    """
    if kind in ("applied", "replayed"):
        return None
    if kind.startswith("dataset.") or kind in _OF_DATASETS:
        return dataset(name)
    if kind.startswith(("run.", "pipeline.")):
        return pipeline(name)
    about, colon, rest = name.partition(":")
    if about == "pipeline" and colon:
        return pipeline(rest)
    if colon:
        return dataset(rest) if about == "dataset" else fleet(rest) if about in _OF_FLEETS else None
    return f"/members/{_path(name)}" if "/" in name else fleet(name)


def with_query(path: str, /, **query: object) -> str:
    """A path with the parameters that are set."""
    return _with(path, query)


def _member(name: str, key: str) -> str:
    return f"{name}/{key}" if key else name


def _path(text: str) -> str:
    return quote(text, safe=_SAFE)


def _with(path: str, query: dict[str, object]) -> str:
    given = {name: value for name, value in query.items() if value not in (None, "", 0)}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path
