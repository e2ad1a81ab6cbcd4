import re
import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rainbow_exchange import metrics
from rainbow_exchange.histogram import Histogram
from rainbow_exchange.metrics.table import METRICS


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
            "build_info": {"1.2": 1},
            "streams": 2,
            "exchange_connected": True,
            "changes_told": 7,
            "mailboxes": {"streamed": 3, "uncovered": 1},
            "questions": {"answered": 5},
            "back_offs": {("exchange", "ErrorServerBusy"): 4},
            "problem_open": {},
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
        ("rainbow_exchange_back_offs_total", (("reason", "ErrorServerBusy"), ("side", "exchange"))): 4,
    }


def test_a_histogram_is_cumulative() -> None:
    told = Histogram(bounds=(0.5, 1.0))
    for seconds in (0.2, 0.5, 0.7, 5.0):
        told.observe(seconds)

    found = samples({"told_latency_seconds": told})

    name = "rainbow_exchange_told_latency_seconds"
    assert [found[f"{name}_bucket", (("le", le),)] for le in ("0.5", "1", "+Inf")] == [2, 3, 4]
    assert found[f"{name}_count", ()] == 4
    assert found[f"{name}_sum", ()] == pytest.approx(6.4)


def test_a_scrape_loses_nothing_and_takes_nothing_away() -> None:
    """However many there were since the last one: what is counted is never forgotten."""
    told = Histogram(bounds=(1.0,))
    for number in range(5000):
        told.observe(number % 2 * 2.0)
        if number % 1000 == 0:
            metrics.render({"told_latency_seconds": told})

    found = samples({"told_latency_seconds": told})

    name = "rainbow_exchange_told_latency_seconds"
    assert found[f"{name}_bucket", (("le", "1"),)] == 2500
    assert found[f"{name}_count", ()] == 5000
    assert found[f"{name}_sum", ()] == 5000.0


@pytest.mark.parametrize("name", METRICS)
def test_a_name_says_its_unit(name: str) -> None:
    """Prometheus' rules: base units at the end, nothing that a reader would have to look up."""
    each = METRICS[name]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
    assert not name.endswith(("_total", "_sum", "_count", "_bucket", "_ms", "_minutes", "_hours", "_percent"))
    assert name.endswith("_seconds") == each.unit.startswith("seconds")
    assert (name.endswith("_timestamp_seconds") or name == "start_time_seconds") == (each.unit == "seconds since 1970")
    assert name.endswith("_bytes") == (each.unit == "bytes")
    assert each.help.endswith(".")
    assert (each.kind == "histogram") <= (each.unit == "seconds")
    for values in each.labels.values():
        assert values


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (apt-get install prometheus)")
def test_promtool_has_nothing_against_any_of_them() -> None:
    view: dict[str, object] = {}
    for name, each in METRICS.items():
        number: object = Histogram(bounds=(1.0,)) if each.kind == "histogram" else 1
        view[name] = {tuple("x" for _ in each.labels): number} if each.labels else number
    shown = metrics.render(view)
    assert shown.count(b"# TYPE ") == len(METRICS)

    told = subprocess.run(["promtool", "check", "metrics"], input=shown, capture_output=True, timeout=90, check=False)  # noqa: S607 (wherever it is)

    assert (told.returncode, told.stderr.decode()) == (0, "")
