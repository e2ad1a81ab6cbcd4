"""The process itself: without settings, healthy through a newcomer, and stopping in time whatever happens."""

import asyncio
import json
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from rainbow_exchange import metrics
from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.daemon import Daemon
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange import LabMailbox
from rainbow_exchange.metrics.table import METRICS
from tests.house import House, now, until, virtually


def test_without_settings_it_serves_its_page_and_says_what_is_missing(tmp_path: Path) -> None:
    async def test() -> None:
        settings = Settings.model_validate({"web": {"port": 0}, "state": {"path": tmp_path}})
        daemon = Daemon(settings, Secrets(), now=now)
        running = asyncio.create_task(daemon.run())
        await until((tmp_path / "runtime.json").exists, within=10)
        status = daemon.status()
        assert status["state"] == "degraded"
        assert status["exchange"]["state"] == status["rainbow"]["state"] == "unconfigured"
        assert status["mailboxes"] == {"total": 0, "streamed": 0, "polled": 0, "uncovered": 0}
        [problem] = status["problems"]
        assert problem["id"] == "settings-missing"
        assert "rainbow.login" in problem["text"]
        assert not daemon.ready()
        assert json.dumps(status)
        daemon.stop()
        assert await running == 0
        assert not (tmp_path / "runtime.json").exists()

    virtually(test)


def test_every_metric_that_is_promised_is_given(tmp_path: Path) -> None:
    async def test() -> None:
        async with House(tmp_path, 3).at_work() as daemon:
            view = daemon.measures()
            assert set(view) == set(METRICS)
            shown = metrics.render(view).decode()
            known = {name: each.labels for name, each in METRICS.items()}
            for family in text_string_to_metric_families(shown):
                for sample in family.samples:
                    for label, value in sample.labels.items():
                        if label != "le":
                            values = known[family.name.removeprefix("rainbow_exchange_")][label]
                            assert isinstance(values, str) or value in values
            assert 'rainbow_exchange_rainbow_requests_total{operation="users"}' in shown
            assert 'rainbow_exchange_state{state="healthy"} 1.0' in shown
            assert 'rainbow_exchange_state{state="degraded"} 0.0' in shown
            assert "rainbow_exchange_problem_open{" not in shown
            assert "acme.test" not in shown

    virtually(test)


def test_a_newcomer_leaves_it_healthy(tmp_path: Path) -> None:
    """While somebody is being subscribed nothing is wrong with the others."""

    async def test() -> None:
        house = House(tmp_path, 3)
        async with house.at_work() as daemon:
            since = daemon.status()["since"]
            house.exchange.directory.add(LabMailbox(address="new@acme.test"))
            house.exchange.dials.turn({"delay_seconds": 5.0, "delay_operations": ["Subscribe"]})
            house.rainbow.people.add(make_company(4, 9)[3])
            states = set()
            for _ in range(600):
                await asyncio.sleep(10)
                status = daemon.status()
                states.add((status["state"], status["since"]))
                if status["mailboxes"]["total"] == 4:
                    break
            assert status["mailboxes"]["total"] == 4
            assert states == {("healthy", since)}

    virtually(test)


def test_a_stop_is_in_order_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 5)
        async with house.at_work():
            assert len(house.exchange.subscriptions) > 0
        assert len(house.exchange.subscriptions) == 0
        assert house.seen[0] == "serving"
        assert house.seen[-2:] == ["stopping", "stopped"]

    virtually(test)


def test_a_stop_takes_ten_seconds_at_most_whatever_hangs(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 5)
        async with house.at_work() as daemon:
            house.exchange.dials.turn({"delay_seconds": 3600.0})
            daemon.stop()
            await until(lambda: house.seen[-1] == "stopped", within=10)

    virtually(test)
