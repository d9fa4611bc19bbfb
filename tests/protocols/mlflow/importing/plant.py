"""A folder mlruns as clients leave it, written by hand; and an import of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from argosy.protocols.mlflow.importing import job
from argosy.protocols.mlflow.importing.disk import Disk
from argosy.protocols.mlflow.importing.folder import Folder
from argosy.protocols.mlflow.importing.report import Report
from argosy.store import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN, OTHER = "0" * 16 + "a" * 16, "0" * 16 + "b" * 16


def write(place: Path, files: Mapping[str, str], **meta: Any) -> Path:
    """Files below a place, and its meta.yaml."""
    for name, text in {**files, "meta.yaml": yaml.safe_dump(meta)}.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return place


def experiment(root: Path, id: str = "1", name: str = "trees", **meta: Any) -> Path:
    return write(root / id, {}, experiment_id=id, name=name, **{"lifecycle_stage": "active", **meta})


def run(place: Path, name: str = RUN, **meta: Any) -> Path:
    """A run of an experiment's folder: a parameter, a tag, three points of a metric, and an artifact."""
    files = {
        "params/depth": "6", "tags/team": "ops", "metrics/auc": "1000 0.5 0\n3000 0.75 2\n2000 nan 1\n",
        "artifacts/notes/a.txt": "hello",
    }  # fmt: skip
    usual = {"run_name": "oak", "status": 3, "start_time": 1000, "end_time": 9000, "user_id": "bob"}
    here = {"artifact_uri": (place / name / "artifacts").as_uri()}
    return write(place / name, files, run_id=name, **{**usual, **here, **meta})


def model(root: Path, name: str = "late", **meta: Any) -> Path:
    return write(root / "models" / name, {}, name=name, **{"creation_timestamp": 5000, **meta})


def version(place: Path, number: int, source: str, **meta: Any) -> Path:
    usual = {"creation_timestamp": 6000, "run_id": RUN}
    return write(place / f"version-{number}", {}, name=place.name, version=number, source=source, **{**usual, **meta})


def bring(store: Store, root: Path, *others: Path, **given: Any) -> Report:
    """Import a folder, with artifacts in other directories."""
    report = Report()
    job.bring(store, Folder(root, Disk([root, *others])), "ann", lambda: NOW, report, **given)
    return report


def told(report: Report) -> list[str]:
    """What failed."""
    return sorted(f"{each.kind}: {each.name}: {each.reason}" for each in report.failures)
