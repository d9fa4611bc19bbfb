"""Where a dataset's rows come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from msgspec import Meta

from argosy.spec import check
from argosy.spec.declared import Declared
from argosy.spec.frozen import EMPTY
from argosy.spec.function import register
from argosy.spec.limit import ColumnName


class Parquet(Declared, frozen=True, tag="parquet", tag_field="kind"):
    """Parquet files: a path or a glob, relative to the project. A file that was read is not read again."""

    path: ColumnName

    def __post_init__(self) -> None:
        super().__post_init__()
        check.column("Parquet.path", self.path)


class Csv(Declared, frozen=True, tag="csv", tag_field="kind"):
    """CSV files (UTF-8, header line; `.gz` and `.zip` too): a path or a glob, relative to the project.

    `types` fixes the types of columns by Polars' names (`{"zip": "String"}`); the rest are inferred from the
    whole file. `nulls` are the texts that mean "no value". Times without a zone are read in `zone`.
    """

    path: ColumnName
    separator: Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": 1})] = ","
    types: Mapping[str, str] = EMPTY
    nulls: tuple[str, ...] = ("", "NA")
    zone: str = "UTC"

    def __post_init__(self) -> None:
        check.put(self, "nulls", check.sequence("Csv.nulls", self.nulls))
        super().__post_init__()
        check.column("Csv.path", self.path)
        if len(self.separator) != 1:
            raise check.fail("Csv.separator", self.separator, "one character", "use ',' or ';'")
        check.zone("Csv.zone", self.zone)
        for column, kind in self.types.items():
            check.kind(f"Csv.types[{column!r}]", kind)


class Sql(Declared, frozen=True, tag="sql", tag_field="kind"):
    """Rows of a query over any SQLAlchemy URL. What is secret is written `${NAME}` and read from the environment.

    Applying refuses a password, or an option named like one, that is written out.
    Where `cursor` names a column, only rows from the largest value read so far on are asked for, and those without a
    value; of these, what was read before is not taken again.
    """

    url: str
    query: str
    cursor: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if "://" not in self.url:
            raise check.fail("Sql.url", self.url, "a SQLAlchemy URL", "write 'postgresql+psycopg://host/db'")
        if not self.query.lstrip().lower().startswith(("select", "with")):
            raise check.fail("Sql.query", self.query, "a SELECT", "write 'select … from …'")


class Function(Declared, frozen=True, tag="function", tag_field="kind"):
    """A function of the project that yields Polars frames; it is called with `since`, the time read so far or None."""

    function: str

    def __post_init__(self) -> None:
        given: str | Callable[..., Any] = self.function
        if not isinstance(given, str):
            check.put(self, "function", register(given, "Function.function"))
        super().__post_init__()


Source = Parquet | Csv | Sql | Function
