"""The page that a bundle carries about itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from argosy.model.signature import Signature

_WIDEST = 5
_HEAD = """# {package}

{what}, packed by Argosy. All that is needed to predict is {required}.

    python -m {package} rows.json        a JSON list of objects in, a JSON list of {answers} out; - reads standard input
    python -m {package} --self-test      files and predictions against what was packed

```python
from {package} import {call}

{call}([{{{example}}}])
```

Run it where the directory `{package}` lies, or where its wheel is installed. Where there is a `Dockerfile`:

    docker build -t {image} {package}
    docker run --rm -i {image} < rows.json

"""
_MISSING = "`null` (in Python `None`) is a missing value, and so is a category that training did not see."
_MODEL = """## Inputs

Every row has all of them. {missing}

| input | kind | comes from |
| --- | --- | --- |
{inputs}

A number is {means}.{beside}

## Files

`schema.json` holds the inputs with all categories in the order of their codes, `selftest.json` {told}
with the predictions of the version itself, `MANIFEST.json` where the version comes from and the SHA-256 of every other
file. `predict.py` is all the code.
"""
_FLEET = """## Rows

A row has the key {by}, and every input that `schema.json` names in the directory of the model that answers it.
{missing} Members with models of their own: {members:,}; {rest}{beside}

`fleet.json` says which directory is for which key, `MANIFEST.json` where each version comes from and the SHA-256 of
every other file. `predict.py` is all the code.
"""
_KINDS = {"request": "request feature, computed by whoever asks", "column": "the row"}


def readme(
    version: str, package: str, signature: Signature, told: str, columns: Sequence[str], required: Iterable[str]
) -> str:  # fmt: skip
    """The page as Markdown; `columns` are those of an answer, the prediction first."""
    lines = []
    for each in signature.features:
        kind: str = each.kind
        if each.categories is not None:
            more = ", …" if len(each.categories) > _WIDEST else ""
            kind = f"category: {', '.join(each.categories[:_WIDEST])}{more}"
        origin, _, view = each.origin.partition(":")
        comes = f"feature view {view}, looked up by whoever asks" if view else _KINDS[origin]
        lines.append(f"| {_cell(each.name)} | {_cell(kind)} | {_cell(comes)} |")
    some = ", ".join(f'"{each.name}": ...' for each in signature.features[:_WIDEST])
    means = (
        f"the probability that `{signature.label}` is true"
        if signature.task == "binary"
        else f"the predicted value of `{signature.label}`"
    )
    page = _MODEL.format(missing=_MISSING, inputs="\n".join(lines), means=means, told=told, beside=_beside(columns))
    return _head(package, f"The version `{version}` of a model", some, columns, required) + page


def readme_fleet(
    fleet: str, package: str, by: Sequence[str], members: int, pooled: bool, columns: Sequence[str],
    required: Iterable[str],
) -> str:  # fmt: skip
    """The page of a bundle of many members as Markdown."""
    rest = "the pooled model answers all others." if pooled else "rows of all others are refused."
    named = ", ".join(f"`{each}`" for each in by)
    page = _FLEET.format(by=named, missing=_MISSING, members=members, rest=rest, beside=_beside(columns))
    some = ", ".join([*(f'"{each}": ...' for each in by), "..."])
    return _head(package, f"The champions of the fleet `{fleet}`", some, columns, required) + page


def _head(package: str, what: str, example: str, columns: Sequence[str], required: Iterable[str]) -> str:
    image, many = package.lower().replace("_", "-"), len(columns) > 1
    return _HEAD.format(
        package=package, what=what, example=example, image=image, required=" and ".join(required),
        answers="objects" if many else "numbers", call="answer" if many else "predict",
    )  # fmt: skip


def _beside(columns: Sequence[str]) -> str:
    """What stands beside the prediction in an answer, as a sentence with a space before it; nothing where it is all."""
    rest = ", ".join(f"`{each}`" for each in columns[1:])
    return f" `answer` has `{columns[0]}` with {rest}; `predict` the first alone." if rest else ""


def _cell(text: str) -> str:
    """Text that keeps within a cell of the table."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
