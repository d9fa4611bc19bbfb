"""What the server says of itself to clients."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from argosy.protocols.mlflow.endpoint import Empty, Endpoint

VERSION = "3.18.0"
"""The newest version of MLflow whose protocol is spoken."""


def server_info(conn: Connection, request: Empty) -> dict[str, Any]:
    """What this server can do; clients take what is not named for absent."""
    return {"store_type": "SqlStore", "workspaces_enabled": False}


ENDPOINTS = [Endpoint("GET", "server-info", Empty, server_info, prefix="/api/3.0/mlflow/")]
