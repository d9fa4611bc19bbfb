"""Servers that a tale is told to: what is asked, and what comes back."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tests.conformance.mlflow.step import Step, Tale

_SECONDS, _PAGES = 120, 100


@dataclass
class Answer:
    """A status and the JSON; of a step that is paged the last status, and all pages. The text where it is no JSON."""

    status: int
    told: Any


@dataclass
class Server:
    """A server that listens, and what it called the things that the tale speaks of."""

    url: str
    token: str = ""
    kept: dict[str, str] = field(default_factory=dict)

    def play(self, tale: Tale) -> list[Answer]:
        """Ask all of a tale; what is kept is that of this tale."""
        self.kept = {}
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
        try:
            return [self._step(connection, step) for step in tale]
        finally:
            connection.close()

    def _step(self, connection: http.client.HTTPConnection, step: Step) -> Answer:
        answer = self._ask(connection, step, {})
        for name, place in step.keeps.items():
            self.kept[name] = _found(answer, place)
        pages = [answer.told]
        while step.paged and isinstance(pages[-1], dict) and (token := pages[-1].get("next_page_token")):
            assert len(pages) < _PAGES, f"{step.name} does not come to an end"
            answer = self._ask(connection, step, {"page_token": token})
            pages.append(answer.told)
        return Answer(answer.status, pages) if step.paged else answer

    def _ask(self, connection: http.client.HTTPConnection, step: Step, more: Mapping[str, str]) -> Answer:
        path, given = self._named(step.path), self._named(step.given)
        path = path if path.startswith("/") else f"/api/2.0/mlflow/{path}"
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.token}"} if self.token else {}
        )
        body = b""
        if step.method == "GET":
            path = f"{quote(path, safe='/%')}?{urlencode({**(given or {}), **more}, doseq=True)}"
        else:
            path = quote(path, safe="/%")
            body = given if isinstance(given, bytes) else json.dumps({**given, **more} if more else given).encode()
        connection.request(step.method, path, body, headers)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        try:
            return Answer(response.status, json.loads(text))
        except ValueError:
            return Answer(response.status, text)

    def _named(self, given: Any) -> Any:
        """What is given, with the names of this server."""
        if isinstance(given, bytes):
            return self._named(given.decode("latin-1")).encode("latin-1")
        if isinstance(given, str):
            for name, value in self.kept.items():
                given = given.replace(f"<{name}>", value)
            return given
        if isinstance(given, Mapping):
            return {self._named(name): self._named(value) for name, value in given.items()}
        return [self._named(value) for value in given] if isinstance(given, list) else given


def _found(answer: Answer, place: str) -> str:
    found = answer.told
    for name in place.split("."):
        assert isinstance(found, dict) and name in found, f"{place} is not in {answer.status} {answer.told!r:.500}"
        found = found[name]
    return str(found)
