"""The page that a bundle carries about itself."""

from __future__ import annotations

from collections.abc import Iterable

from argosy.model.signature import Signature

_WIDEST = 5
_PAGE = """# {package}

The version `{version}` of a model, packed by Argosy. It predicts by itself: all that it needs is {required}.

    python -m {package} rows.json        a JSON list of objects in, a JSON list of numbers out; - reads standard input
    python -m {package} --self-test      files and predictions against what was packed

```python
from {package} import predict

predict([{{{example}}}])
```

Run it where the directory `{package}` lies, or where its wheel is installed. Where there is a `Dockerfile`:

    docker build -t {image} {package}
    docker run --rm -i {image} < rows.json

## Inputs

Every row has all of them. `null` (in Python `None`) is a missing value, and so is a category that training did not see.

| input | kind | comes from |
| --- | --- | --- |
{inputs}

A number is {means}.

## Files

`schema.json` holds the inputs with all categories in the order of their codes, `selftest.json` {told}
with the predictions of the version itself, `MANIFEST.json` where the version comes from and the SHA-256 of every other
file. `predict.py` is all the code.
"""
_KINDS = {"request": "request feature, computed by whoever asks", "column": "the row"}


def readme(version: str, package: str, signature: Signature, told: str, required: Iterable[str]) -> str:
    """The page as Markdown."""
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
    return _PAGE.format(
        package=package, version=version, required=" and ".join(required), inputs="\n".join(lines), example=some,
        image=package.lower().replace("_", "-"), means=means, told=told,
    )  # fmt: skip


def _cell(text: str) -> str:
    """Text that keeps within a cell of the table."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
