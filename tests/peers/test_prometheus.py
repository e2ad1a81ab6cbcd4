"""A real Prometheus scrapes the running product, and runs what docs/monitoring gives: the dashboard and the alerts.

Grafana itself is not here: what its panels ask is asked of Prometheus.
"""

import json
import re
import shutil
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trustme

from docs.made.metrics import scraped
from rainbow_exchange.metrics import PREFIX
from rainbow_exchange.metrics.table import METRICS
from tests.processes import Connector, Lab, World, until

pytestmark = [pytest.mark.peer, pytest.mark.processes]

MONITORING = Path(__file__).parent.parent.parent / "docs" / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
PEOPLE = 6
#: what is absent, or has no series, while all is well on the XMPP link, and why
ABSENT = {
    "problem_open": "no problem is open",
    "streams_limit": "Exchange has refused no stream",
    "poll_period_seconds": "nobody is polled",
    "stream_ends": "no stream has ended yet",
    "subscriptions_renewed": "no subscription was lost",
    "mailboxes_lost": "no mailbox was lost",
    "back_offs": "nobody asked to slow down",
    "callbacks": "they come on the S2S link only",
    "commands": "the administration has ordered nothing",
}
#: has series or not, as it happens: identifiers that Exchange does not know, calls that Rainbow may or may not have
EITHER = {"ews_errors", "rainbow_errors"}


@dataclass
class Prometheus:
    """One that scrapes."""

    port: int

    def get(self, path: str, **query: str) -> Any:
        """Ask its API; an error of the expression is one of the test."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            told = json.loads(answer.read())
        assert told["status"] == "success"
        return told["data"]

    def ready(self) -> bool:
        """Whether it has opened what it keeps; before, it listens and answers 503."""
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=20) as answer:
            return bool(answer.status == HTTPStatus.OK)
        return False

    def series(self, expression: str) -> list[dict[str, Any]]:
        """Give what an expression finds now."""
        found: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return found

    def value(self, expression: str) -> float:
        """Give the one number that an expression finds."""
        [found] = self.series(expression)
        return float(found["value"][1])

    def targets(self) -> dict[str, dict[str, Any]]:
        """Give the targets by job."""
        return {target["labels"]["job"]: target for target in self.get("targets", state="active")["activeTargets"]}


@dataclass
class Scraped:
    """Both labs, a connector at work between them, one whose page is served by TLS, and who scrapes both."""

    lab: Lab
    connector: Connector
    prometheus: Prometheus
    page: str
    by_tls: str


def page_of(connector: Connector) -> str:
    """Wait for a connector's page; give host and port."""
    file = Path(connector.environment["RAINBOW_EXCHANGE_STATE__PATH"]) / "runtime.json"
    until(file.exists, f"a page\n{connector.output()}")
    told = json.loads(file.read_text(encoding="utf-8"))
    return str(told["page"]).partition("://")[2].rstrip("/")


def example(page: str, by_tls: str, authority: Path) -> str:
    """Give the settings of docs/monitoring/prometheus.yml, both ways, for our own targets and without its patience."""
    text = (MONITORING / "prometheus.yml").read_text(encoding="utf-8")
    before, _, commented = text.partition("  # From another machine")
    again = re.sub(r"^  # ", "  ", commented.partition("\n")[2], flags=re.MULTILINE)
    for old, new in (
        ("15s", "3s"),
        ("127.0.0.1:3001", page),
    ):
        assert old in before
        before = before.replace(old, new)
    for old, new in (
        ("job_name: rainbow-exchange", "job_name: by-tls"),
        ("company-ca.pem", str(authority)),
        ("connector.company.com:3001", by_tls),
    ):
        assert old in again
        again = again.replace(old, new)
    return before + again


@pytest.fixture(scope="module")
def scrape(installed: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    installed.need("prometheus", "prometheus", "promtool")
    folder = tmp_path_factory.mktemp("prometheus")
    with ExitStack() as stack:
        world = World(folder, stack)
        lab = world.lab(None, "--users", str(PEOPLE), "--tls")
        connector = world.connector(lab, RAINBOW__LINK="xmpp")
        authority = trustme.CA()
        made = authority.issue_cert("localhost")
        authority.cert_pem.write_to_path(folder / "ca.pem")
        made.cert_chain_pems[0].write_to_path(folder / "page.pem")
        made.private_key_pem.write_to_path(folder / "page.key")
        (folder / "page.key").chmod(0o600)
        other = world.connector(
            STATE__PATH=str(folder / "other"),
            WEB__TLS_CERTIFICATE_FILE=str(folder / "page.pem"),
            WEB__TLS_KEY_FILE=str(folder / "page.key"),
        )
        page, by_tls = page_of(connector), page_of(other)
        connector.healthy(streamed=PEOPLE)
        shutil.copy(MONITORING / "alerts.yml", folder)
        (folder / "prometheus.yml").write_text(example(page, by_tls, folder / "ca.pem"), encoding="utf-8")
        port = installed.free_port()
        stack.enter_context(
            installed.running(
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
                port=port,
                out=folder / "prometheus.log",
                in_order=False,
            )
        )
        ended = threading.Event()
        changing = threading.Thread(target=change, args=(lab, ended), daemon=True)
        stack.callback(changing.join, 20)
        stack.callback(ended.set)
        changing.start()
        prometheus = Prometheus(port)
        until(prometheus.ready, "Prometheus is ready")
        within = "histogram_quantile(0.5, sum by (le) (rate(rainbow_exchange_asked_latency_seconds_bucket[1m]))) > 0"
        until(lambda: prometheus.series(within), "changes, asked for and scraped", within=180)
        yield Scraped(lab, connector, prometheus, page, by_tls)


def change(lab: Lab, ended: threading.Event) -> None:
    """Make appointments, one of somebody's each third of a second, until told to end."""
    addresses = [mailbox["address"] for mailbox in lab.exchange("GET", "/lab/mailboxes")]
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    number = 0
    while not ended.wait(0.3):
        begins = start + timedelta(minutes=number)
        body = {"subject": "x", "start": begins.isoformat(), "end": (begins + timedelta(minutes=30)).isoformat()}
        lab.exchange("POST", f"/lab/mailboxes/{addresses[number % len(addresses)]}/items", body | {"zone": "UTC"})
        number += 1


def test_our_very_targets_are_scraped_in_clear_on_loopback_and_by_tls(scrape: Scraped) -> None:
    """Some other program might answer on a port, too."""
    until(lambda: all(each["health"] == "up" for each in scrape.prometheus.targets().values()), "both are up")
    targets = scrape.prometheus.targets()
    assert {job: (target["scrapeUrl"], target["lastError"]) for job, target in targets.items()} == {
        "rainbow-exchange": (f"http://{scrape.page}/metrics", ""),
        "by-tls": (f"https://{scrape.by_tls}/metrics", ""),
    }
    version = scrape.prometheus.series('rainbow_exchange_build_info{job="rainbow-exchange"}')[0]["metric"]["version"]
    assert version == scrape.connector.asked().get("version", version)
    assert scrape.prometheus.value(f'up{{instance="{scrape.page}"}}') == 1


def test_promtool_has_nothing_against_what_is_scraped(scrape: Scraped, installed: Any) -> None:
    with urllib.request.urlopen(f"http://{scrape.page}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    assert "acme.test" not in text
    installed.run("promtool", "check", "metrics", typed=text)


def test_every_metric_of_the_reference_arrives_with_its_kind_but_for_those_that_cannot(scrape: Scraped) -> None:
    mine = '{job="rainbow-exchange", __name__=~"rainbow_exchange_.+"}'
    names = {series["metric"]["__name__"] for series in scrape.prometheus.series(mine)}
    found = {
        name
        for name, each in METRICS.items()
        if scraped(name, each) + ("_bucket" if each.kind == "histogram" else "") in names
    }
    assert set(METRICS) - found - EITHER == set(ABSENT)
    kinds = {name: told[0]["type"] for name, told in scrape.prometheus.get("metadata").items()}
    assert {name: kinds[PREFIX + name] for name in found if METRICS[name].kind != "counter"} == {
        name: METRICS[name].kind for name in found if METRICS[name].kind != "counter"
    }
    if Path("/proc/self/stat").exists():
        assert scrape.prometheus.value('process_open_fds{job="rainbow-exchange"}') > 5


def test_what_the_dashboard_asks_finds_something(scrape: Scraped) -> None:
    instance = re.escape(scrape.page).replace("\\", "\\\\")
    asked = {
        f"{panel['title']}, {target['refId']}": target["expr"]
        for panel in DASHBOARD["panels"]
        for target in panel.get("targets", ())
    }
    assert len(asked) > 50
    wrong = {}
    for title, expression in asked.items():
        if any(f"{PREFIX}{name}_total" in expression for name in EITHER):
            continue
        filled = expression.replace("$instance", instance).replace("$__rate_interval", "1m")
        found = [series["value"][1] for series in scrape.prometheus.series(filled)]
        if any(re.search(rf"\b{PREFIX}{name}(_total)?\b", expression) for name in ABSENT):
            right = not found
        elif "stream_age_at_end" in expression:  # no stream has ended yet, and a quantile of none is no number
            right = found == ["NaN"]
        else:
            right = bool(found) and "NaN" not in found
        if not right:
            wrong[title] = filled, found
    assert wrong == {}


def test_the_alerts_are_evaluated_and_only_what_is_wrong_is_on_its_way(scrape: Scraped) -> None:
    """The other connector has no settings: that is a problem by its id. Ours is well."""

    def evaluated() -> list[dict[str, Any]]:
        [group] = scrape.prometheus.get("rules", type="alert")["groups"]
        rules: list[dict[str, Any]] = group["rules"]
        return rules if all(each["health"] == "ok" for each in rules) else []

    rules = until(evaluated, "all rules evaluated")
    assert len(rules) == 15
    assert {each["lastError"] for each in rules if "lastError" in each} <= {""}
    busy = {"RainbowExchangeHeldUp", "RainbowExchangeChangesSlow"}  # where the machine of the tests is

    def at_hand() -> list[dict[str, Any]]:
        alerts = scrape.prometheus.get("alerts")["alerts"]
        return [each for each in alerts if each["labels"]["alertname"] not in busy]

    pending = until(at_hand, "an alert")
    assert [(each["labels"]["alertname"], each["labels"]["job"], each["labels"]["id"]) for each in pending] == [
        ("RainbowExchangeProblem", "by-tls", "settings-missing")
    ]
    [alert] = pending
    assert alert["annotations"]["summary"] == f"Rainbow Exchange connector on {scrape.by_tls}: settings-missing"
    for each in rules:
        left = re.split(r"\s(?:==|>=|>|<)\s", each["query"])[0]
        absent = [name for name in ABSENT if re.search(rf"\b{PREFIX}{name}(_total)?\b", left)]
        found = [series for series in scrape.prometheus.series(left) if series["metric"].get("job") != "by-tls"]
        assert bool(found) != bool(absent), each["name"]


def test_what_is_scraped_is_what_status_says(scrape: Scraped) -> None:
    """While changes go on, so each number lies between two looks at status."""
    prometheus, mine = scrape.prometheus, 'job="rainbow-exchange"'
    before = scrape.connector.status()

    def more(expression: str, than: float) -> float:
        """Wait for a scrape that has seen more."""
        seen: float = until(lambda: (now := prometheus.value(expression)) > than and now, f"more than {than:g}")
        return seen

    told = more(f"rainbow_exchange_changes_told_total{{{mine}}}", before["changes"]["told"])
    questions = more(f"sum(rainbow_exchange_questions_total{{{mine}}})", before["link"]["questions"])
    counted = prometheus.value(f"rainbow_exchange_told_latency_seconds_count{{{mine}}}")
    buckets = prometheus.series(f"rainbow_exchange_told_latency_seconds_bucket{{{mine}}}")
    after = scrape.connector.status()

    assert told <= after["changes"]["told"]
    assert questions <= after["link"]["questions"]
    assert 0 < counted <= told
    by_bound = sorted((float(each["metric"]["le"]), float(each["value"][1])) for each in buckets)
    assert by_bound[-1][1] == counted
    assert all(low <= high for (_, low), (_, high) in pairwise(by_bound))
    most = next(bound for bound, count in by_bound if count >= 0.9 * counted)
    fewest = max((bound for bound, count in by_bound if count <= 0.1 * counted), default=0.0)
    assert fewest <= after["latency"]["told_p50"] <= most
    for state in ("streamed", "polled", "uncovered"):
        shown = prometheus.value(f'rainbow_exchange_mailboxes{{{mine}, coverage="{state}"}}')
        assert shown == after["mailboxes"][state]
    assert prometheus.value(f"rainbow_exchange_users{{{mine}}}") == after["users"]["total"] == PEOPLE
    assert prometheus.value(f"rainbow_exchange_streams{{{mine}}}") == after["throttling"]["streams_open"]
    limit = prometheus.value(f"rainbow_exchange_requests_in_flight_limit{{{mine}}}")
    assert limit == after["throttling"]["requests_limit"]
    assert prometheus.value(f'rainbow_exchange_state{{{mine}, state="{after["state"]}"}}') == 1
    assert prometheus.value(f"sum(rainbow_exchange_state{{{mine}}})") == 1
    started = datetime.fromisoformat(after["started"]).timestamp()
    assert prometheus.value(f"rainbow_exchange_start_time_seconds{{{mine}}}") == pytest.approx(started, abs=1)
    ends = datetime.fromisoformat(after["exchange"]["certificate_ends"]).timestamp()
    assert prometheus.value(f"rainbow_exchange_exchange_certificate_end_timestamp_seconds{{{mine}}}") == ends
    assert 0 <= prometheus.value(f"rainbow_exchange_loop_lag_longest_seconds{{{mine}}}") < 30
    assert prometheus.value(f"rainbow_exchange_loop_lag_seconds_count{{{mine}}}") > 20
