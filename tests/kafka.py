"""The mock cluster of librdkafka, in a process of its own: Kafka's protocol over TCP, and all of it in memory.

No package carries a whole broker. This one has topics, offsets, groups and idempotent producers. What it has not: a
second consumer that joins a group, and offsets that are committed in a transaction.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_CLUSTER = """
import sys
from confluent_kafka import Producer
client = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 0})
[broker] = client.list_topics(timeout=60).brokers.values()
print(f"{broker.host}:{broker.port}", flush=True)
sys.stdin.read()
"""


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a broker that lives as long as this context, or this process."""
    command = [sys.executable, "-c", _CLUSTER]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()
