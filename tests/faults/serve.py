"""The inference server of a replay, as a process of its own: `serve.py HOME PORT TOKEN`."""

from __future__ import annotations

import ctypes
import signal
import sys
from pathlib import Path

from argosy.controller.inference import readers
from argosy.serving.server import Options, run

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # it must not outlive the test that started it
    home = Path(sys.argv[1])
    options = Options(
        home=str(home), token=sys.argv[3], predictions=home / "segments", readers=readers, poll_seconds=0.05
    )
    run(options, port=int(sys.argv[2]))
