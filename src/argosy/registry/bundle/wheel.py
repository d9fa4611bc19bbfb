"""A bundle as a wheel: an archive that pip installs, written by the rules of PEP 427."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from importlib import metadata
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from argosy.registry.bundle.content import REQUIRES, Content

_TAG = "py3-none-any"
_PYTHON = "3.10"
_MODE = 0o100644 << 16


def wheel(content: Content, number: int, at: datetime) -> tuple[str, bytes]:
    """The name of the file and its bytes: version `number` of the package, every file dated `at`.

    The same content gives the same bytes.
    """
    info = f"{content.name}-{number}.dist-info"
    files = {f"{content.name}/{name}": data for name, data in sorted(content.files.items())}
    files[f"{info}/METADATA"] = _metadata(content, number)
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: argosy {metadata.version('argosy')}\nRoot-Is-Purelib: true\nTag: {_TAG}\n"
    ).encode()
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    record = f"{info}/RECORD"
    files[record] = "".join(f"{line}\n" for line in [*lines, f"{record},,"]).encode()
    made = BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = ZipInfo(name, at.timetuple()[:6])
            entry.external_attr, entry.compress_type = _MODE, ZIP_DEFLATED
            archive.writestr(entry, data)
    return f"{content.name}-{number}-{_TAG}.whl", made.getvalue()


def _metadata(content: Content, number: int) -> bytes:
    """The distribution's metadata, with the bundle's own page for its description."""
    needs = "".join(f"Requires-Dist: {name}>={oldest}\n" for name, oldest in REQUIRES.items())
    head = (
        f"Metadata-Version: 2.1\nName: {content.name.replace('_', '-')}\nVersion: {number}\n"
        f"Summary: A model that predicts by onnxruntime alone\nRequires-Python: >={_PYTHON}\n{needs}"
        "Description-Content-Type: text/markdown\n\n"
    )
    return head.encode() + content.files["README.md"]


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
