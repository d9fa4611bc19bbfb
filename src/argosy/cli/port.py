"""Ports of this machine: one that is free, and one that a child is to listen on."""

from __future__ import annotations

import socket
import time

from argosy.controller.child import Child


def free_port(wanted: int = 0, host: str = "127.0.0.1") -> int | None:
    """A port of `host` that nobody listens on at this moment: `wanted`, or any. None where it cannot be had."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def wait_for(port: int, child: Child, timeout: float = 30.0, host: str = "127.0.0.1") -> bool:
    """Wait until a child listens on a port of `host`; False where it died or took longer."""
    end = time.monotonic() + timeout
    while time.monotonic() < end and child.alive:
        try:
            socket.create_connection((host, port), 1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False
