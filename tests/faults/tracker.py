"""Console and API of a home, in a process that a test may kill: `tracker.py HOME PORT`. It says when it listens."""

from __future__ import annotations

import ctypes
import signal
import sys

from argosy.server.run import serve
from argosy.server.settings import Settings

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # it must not outlive the test, however that ends
    settings = Settings(home=sys.argv[1], port=int(sys.argv[2]))
    serve(settings, on_ready=lambda running: (sys.stdout.write("listening\n"), sys.stdout.flush()))
