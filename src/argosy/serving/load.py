"""What a worker has to do, and for whom, in Prometheus' text format: signals by which to start more of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from argosy.serving.admission import Admission
from argosy.serving.measure import escaped
from argosy.serving.meter import Meter
from argosy.serving.readiness import Readiness


def text(admissions: Sequence[Admission], meter: Meter, readiness: Readiness) -> str:
    """Queue, refusals, the loop's lag, the picture's age, readiness, and the cost by caller and fleet."""
    return "\n".join(_lines(admissions, meter, readiness)) + "\n"


def _lines(admissions: Sequence[Admission], meter: Meter, readiness: Readiness) -> Iterator[str]:
    gauges = {
        "argosy_queue": sum(each.waiting for each in admissions),
        "argosy_working": sum(each.working for each in admissions),
        "argosy_loop_lag_seconds": round(max(each.lag for each in admissions), 6),
        "argosy_routing_age_seconds": round(readiness.age, 3),
        "argosy_ready": int(readiness.ready),
    }
    for name, value in gauges.items():
        yield f"# TYPE {name} gauge"
        yield f"{name} {value}"
    refused = sum((each.refused for each in admissions), Counter(meter.refused))
    yield "# TYPE argosy_refused_total counter"
    for reason, count in sorted(refused.items()):
        yield f'argosy_refused_total{{reason="{reason}"}} {count}'
    for name, counts in (("argosy_caller_rows_total", meter.rows), ("argosy_caller_seconds_total", meter.seconds)):
        yield f"# TYPE {name} counter"
        for (caller, fleet), amount in sorted(counts.items()):
            yield f'{name}{{caller="{escaped(caller)}",fleet="{escaped(fleet)}"}} {amount:.10g}'
