"""`argosy package`: a version as a bundle that predicts without Argosy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from argosy.cli import folder, home, show, target
from argosy.cli.log import quietly
from argosy.cli.option import Common
from argosy.controller import proving
from argosy.controller.house import House
from argosy.controller.packing import Packed, packed
from argosy.controller.trial import UnprovenError
from argosy.registry.address import Address, parse
from argosy.registry.bundle.wheel import wheel
from argosy.spec.quantity import plural

Form = Literal["onnx-bundle", "wheel", "docker"]
_MARK = "MANIFEST.json"


def package(
    version: str, /, *, to: Form, out: Path = Path(), force: Annotated[bool, Parameter(negative="")] = False,
    common: Common | None = None,
) -> int:  # fmt: skip
    """Pack a version so that it predicts without Argosy, by onnxruntime and NumPy alone.

    The bundle is a Python package: the model as ONNX, a schema of its inputs, predict.py, a self-test of rows with
    their predictions, a page about itself, and a manifest of where it comes from. It is written only where it answers
    as the version does, on rows of the training set, which is built where it is not on this machine. It takes the
    model's features: request features and columns of feature views are for whoever asks to compute, and the schema says
    which. A fleet with a key, by its name alone, becomes one bundle of all its champions, which routes each row by its
    key.

    For example:
      argosy package late-arrival/JFK/AA@7 --to onnx-bundle
      argosy package late-arrival/JFK/AA --to wheel --out dist       (the latest version)
      argosy package "late-arrival/*" --to docker --force            (the pooled model)
      argosy package late-arrival --to onnx-bundle                   (every champion)

    Parameters
    ----------
    version
        The version, as FLEET/KEY@NUMBER, or the fleet.
    to
        A directory, a wheel, or a directory that docker builds an image from.
    out
        The directory to write it into. Default: here.
    force
        Replace what is there of the same name.
    """
    given = common or Common()
    content, number, at = _packed(given.home, parse(version), dockerfile=to == "docker")
    if to == "wheel":
        name, data = wheel(content, number, at)
        path = out / name
        with target.whole(path, (), replace=force) as partial:
            partial.write_bytes(data)
    else:
        path, data = out / content.name, b"".join(content.files.values())
        folder.write(path, content.files, _MARK, replace=force)
    if given.json:
        show.emit({"path": str(path), "package": content.name, "number": number, "files": sorted(content.files),
                   "bytes": len(data), "difference": content.difference})  # fmt: skip
        return 0
    show.say(
        f"wrote {path}: {plural(len(content.files), 'file')}, {len(data) / 1e3:,.0f} kB; "
        f"its predictions differ from the version's by at most {content.difference:.2g}",
        f"  next: {_next(to, path, content.name)}",
    )
    return 0


def _packed(given: str | None, address: Address, *, dockerfile: bool) -> Packed:
    """The bundle, proven on the training sets that are here, or else on one that is built for it."""
    try:
        with home.look(given) as (store, conn):
            return packed(store, conn, address, dockerfile=dockerfile)
    except UnprovenError:
        show.say(f"building the training set of {address} to prove it on")
    quietly()
    with home.open(given) as store, House(store, actor=home.actor(), environment=os.environ) as house:
        proving.build(house, address, home.clock(store).now())
        with store.read() as conn:
            return packed(store, conn, address, dockerfile=dockerfile)


def _next(to: Form, path: Path, package: str) -> str:
    if to == "wheel":
        return f"pip install {path}, and python -m {package} --self-test"
    if to == "docker":
        return f"docker build -t {package.lower().replace('_', '-')} {path}"
    where = "" if path.parent == Path() else f"cd {path.parent} && "
    return f"{where}python -m {package} --self-test"
