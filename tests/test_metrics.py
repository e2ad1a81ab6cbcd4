import pytest
from prometheus_client.parser import text_string_to_metric_families

from rainbow_exchange import metrics
from rainbow_exchange.metrics import Latency


def samples(view: dict[str, object]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render(view).decode())
        for sample in family.samples
    }


def test_an_empty_view_is_an_empty_answer() -> None:
    assert metrics.render({}) == b""


def test_every_name_is_written_with_prefix_and_label() -> None:
    found = samples(
        {
            "version": "1.2",
            "streams": 2,
            "exchange_connected": True,
            "changes_told": 7,
            "mailboxes": {"streamed": 3, "uncovered": 1},
            "questions": {"answered": 5},
            "due_users": None,
            "unknown": 1,
        }
    )

    assert found == {
        ("rainbow_exchange_build_info", (("version", "1.2"),)): 1,
        ("rainbow_exchange_streams", ()): 2,
        ("rainbow_exchange_exchange_connected", ()): 1,
        ("rainbow_exchange_changes_told_total", ()): 7,
        ("rainbow_exchange_mailboxes", (("coverage", "streamed"),)): 3,
        ("rainbow_exchange_mailboxes", (("coverage", "uncovered"),)): 1,
        ("rainbow_exchange_questions_total", (("outcome", "answered"),)): 5,
    }


def test_a_latency_is_a_cumulative_histogram() -> None:
    latency = Latency(bounds=(0.5, 1.0))
    for seconds in (0.2, 0.5, 0.7, 5.0):
        latency.observe(seconds)

    found = samples({"told_latency_seconds": latency})

    name = "rainbow_exchange_told_latency_seconds"
    assert [found[f"{name}_bucket", (("le", le),)] for le in ("0.5", "1", "+Inf")] == [2, 3, 4]
    assert found[f"{name}_count", ()] == 4
    assert found[f"{name}_sum", ()] == pytest.approx(6.4)


def test_quantiles_are_of_the_recent_values() -> None:
    latency = Latency()
    assert latency.quantile(0.5) is None

    latency.observe(1000.0)
    for number in range(1000):
        latency.observe(float(number))

    assert latency.quantile(0.5) == 500.0
    assert latency.quantile(0.99) == 990.0
    assert latency.quantile(1.0) == 999.0
