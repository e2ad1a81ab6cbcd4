"""Metrics in Prometheus' text format, made from a plain view when somebody asks (`docs/reference/metrics.md`).

No mail address, user or subject stands in a label.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from rainbow_exchange.histogram import Histogram
from rainbow_exchange.metrics.table import METRICS, Described

PREFIX = "rainbow_exchange_"


def render(view: Mapping[str, Any]) -> bytes:
    """Write the values of `view` in Prometheus' text format.

    Its keys are those of `METRICS`: name → a number or a Histogram; with a label, a mapping from the label's value to a
    number; with several, from a tuple of them. A key that is absent, or None, is left out of the answer.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_View(view))
    return generate_latest(registry)


class _View(Collector):
    def __init__(self, view: Mapping[str, Any]) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        for name, described in METRICS.items():
            if (value := self._view.get(name)) is not None:
                yield _family(PREFIX + name, described, value)


def _family(name: str, described: Described, value: Any) -> Metric:
    if isinstance(value, Histogram):
        buckets = [(bound, float(count)) for bound, count in value.buckets()]
        return HistogramMetricFamily(name, described.help, buckets=buckets, sum_value=value.total)
    kind = CounterMetricFamily if described.kind == "counter" else GaugeMetricFamily
    family = kind(name, described.help, labels=list(described.labels))
    for labels, number in value.items() if described.labels else [((), value)]:
        family.add_metric([str(each) for each in ((labels,) if isinstance(labels, str) else labels)], float(number))
    return family
