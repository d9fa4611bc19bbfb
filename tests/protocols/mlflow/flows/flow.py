"""A script's client, what it saw come back, and what differed: `python SCRIPT.py TRACKING_URI`."""

from __future__ import annotations

import json
import os
import sys
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ |= {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # an answer of 5xx is a difference, not something to wait for
    "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "0",  # to find what a model needs, the client starts others
    "MLFLOW_TRACKING_URI": sys.argv[1],
    "GIT_PYTHON_REFRESH": "quiet",
    "TQDM_DISABLE": "1",
}

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

RELEASE = tuple(int(part) for part in mlflow.__version__.split("."))


class Flow:
    """Parts that are run one after another; what differs is collected, so that one run tells all."""

    def __init__(self) -> None:
        self.uri = sys.argv[1]
        self.title = f"{Path(sys.argv[0]).stem} {mlflow.__version__} {uuid.uuid4().hex[:8]}"
        self.checked: list[str] = []
        self.skipped: list[str] = []
        self._wrong: list[str] = []
        self._part = ""

    def client(self) -> MlflowClient:
        """A client that has seen nothing yet."""
        return MlflowClient(self.uri)

    def same(self, what: str, got: Any, wanted: Any) -> None:
        """Check that what came back equals what was wanted."""
        if got == wanted:
            self.checked.append(what)
        else:
            self._wrong.append(f"{self._part}: {what}: {got!r:.600} came back, not {wanted!r:.600}")

    def refused(self, what: str, code: str, call: Callable[[], Any], saying: str = "") -> None:
        """Check that a call fails with this error code, and a message that holds `saying`."""
        try:
            came = call()
        except MlflowException as error:
            told = saying.lower() in error.message.lower()
            self.same(what, (error.error_code, saying if told else error.message), (code, saying))
        else:
            self.same(what, came, code)

    def skip(self, what: str) -> None:
        """Leave out what this release of the client has not; it is told."""
        self.skipped.append(what)

    def run(self, *parts: Callable[[Flow], None]) -> None:
        """Run the parts, print one line of JSON, and exit with 1 where anything differed."""
        for part in parts:
            self._part = part.__name__
            before = len(self.checked) + len(self._wrong) + len(self.skipped)
            try:
                part(self)
            except Exception:
                self._wrong.append(f"{self._part}: {traceback.format_exc()}")
            if before == len(self.checked) + len(self._wrong) + len(self.skipped):
                self._wrong.append(f"{self._part}: nothing was checked")
        told = {"client": mlflow.__version__, "checked": self.checked, "skipped": self.skipped}
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        sys.exit("\n".join(self._wrong) or 0)
