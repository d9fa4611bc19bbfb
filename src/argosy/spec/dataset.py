"""A dataset: a table whose every version can be read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Literal

from argosy.spec import check
from argosy.spec.contract import Contract
from argosy.spec.declared import Declared
from argosy.spec.frozen import EMPTY
from argosy.spec.limit import ColumnName, ColumnNames, Name
from argosy.spec.source import Csv, Function, Parquet, Source, Sql

Tag = Literal["pii", "sensitive"]


class Dataset(Declared, frozen=True, tag="dataset", tag_field="kind"):
    """A table with an event time.

    `time` is the column of the event time, `known` that of the time at which the row became known (default: the event
    time itself), `key` the column or columns that name a row: a row with a known key is taken again only where its
    known time is later (a correction). `tags` marks columns as `pii` or `sensitive`.
    """

    name: Name
    time: ColumnName
    source: Source
    key: ColumnNames = ()
    known: ColumnName | None = None
    owner: str = ""
    description: str = ""
    contract: Contract | None = None
    tags: Mapping[ColumnName, Tag] = EMPTY

    if TYPE_CHECKING:

        def __init__(
            self,
            name: str,
            *,
            time: str,
            source: Source,
            key: Sequence[str] | str = (),
            known: str | None = None,
            owner: str = "",
            description: str = "",
            contract: Contract | None = None,
            tags: Mapping[str, Tag] = ...,
        ) -> None:
            """What a user may write; the fields hold its canonical form."""

    def __post_init__(self) -> None:
        field = f"Dataset({self.name!r})"
        check.name("Dataset.name", self.name)
        check.column(f"{field}.time", self.time)
        check.put(self, "key", check.columns(f"{field}.key", self.key))
        if self.known == self.time:
            check.put(self, "known", None)
        check.instance(f"{field}.source", self.source, (Parquet, Csv, Sql, Function), "a source, such as ag.Parquet()")
        super().__post_init__()
        if self.known is not None:
            check.column(f"{field}.known", self.known)
        for column in self.tags:
            check.column(f"{field}.tags", column)
        if self.name in self.references:
            raise check.fail(f"{field}.contract.references", self.name, "another dataset", "remove that reference")

    @property
    def references(self) -> tuple[str, ...]:
        """The datasets that its contract refers to, by name."""
        return tuple(dict.fromkeys(each.dataset for each in self.contract.references)) if self.contract else ()


def in_order(datasets: Iterable[Dataset]) -> list[Dataset]:
    """The datasets, each after those that it refers to. Raises `DeclarationError` where they refer in a circle."""
    named = {each.name: each for each in datasets}
    graph = {name: [other for other in each.references if other in named] for name, each in named.items()}
    try:
        return [named[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise check.fail(f"Dataset({error.args[1][0]!r}).contract.references", circle, "free of circles",
                         "remove one of the references, or only check it with a Rule") from None  # fmt: skip
