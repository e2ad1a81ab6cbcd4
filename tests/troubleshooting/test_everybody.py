"""What keeps everybody's calendar from being shown, brought about by the lab, and what `status` says of it."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner

from rainbow_exchange.cli import status_screen
from rainbow_exchange.cli.main import commands
from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.daemon import Daemon
from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.web import runtime
from tests.administrator import Administrator
from tests.house import House, now, until, virtually
from tests.network.conftest import SmallProxy
from tests.troubleshooting.symptoms import Symptom

Change = Callable[[House], Awaitable[object] | None]


def brought_about(
    symptom: Symptom,
    folder: Path,
    *,
    people: int = 2,
    begins: Change | None = None,
    happens: Change | None = None,
    after: float = 30,
    **house: Any,
) -> None:
    """Let a company `begin` like this, or something `happen` to it at work: `status` says what the page says."""

    async def test() -> None:
        company = House(folder, people, **house)
        if begins:
            begins(company)
        async with company.open():
            company.start()
            if happens:
                await until(lambda: company.status()["state"] == "healthy", within=120)
                if (done := happens(company)) is not None:
                    await done
            await asyncio.sleep(after)
            symptom.led_to_by("status", status_screen.lines(company.status(), now=now()))

    virtually(test)


def typed(*words: str, folder: Path, **settings: str) -> list[str]:
    """What a command prints that is called with its settings in the environment."""
    named = {f"RAINBOW_EXCHANGE_{name.upper()}": value for name, value in settings.items()}
    done = CliRunner().invoke(commands, words, env=named | {"RAINBOW_EXCHANGE_STATE__PATH": str(folder)})
    return done.output.splitlines()


def test_the_service_is_not_running(tmp_path: Path, symptom: Symptom) -> None:
    symptom.led_to_by("status", typed("status", folder=tmp_path))


def test_the_service_ends_as_soon_as_it_is_started(tmp_path: Path, symptom: Symptom) -> None:
    faulty = {"exchange__url": "mail.company.com", "bridge__privacy": "none"}
    symptom.led_to_by("config check", typed("config", "check", folder=tmp_path, **faulty))


def test_somebody_else_answers_on_the_port_of_the_service(tmp_path: Path, symptom: Symptom) -> None:
    came: list[str] = []

    class Foreign(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append(f"{self.path} {self.headers}")
            body = json.dumps({"proof": "0" * 64}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Foreign) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            token, nonce = runtime.new_secret(), runtime.new_secret()
            runtime.publish(
                tmp_path,
                host="127.0.0.1",
                port=server.server_port,
                nonce=nonce,
                token=token,
                now=datetime.now().astimezone(),
            )
            symptom.led_to_by("status", typed("status", folder=tmp_path))
        finally:
            server.shutdown()
            thread.join()
    assert len(came) == 1
    assert token not in came[0]
    assert nonce not in came[0]


def test_nothing_is_set_up_yet(tmp_path: Path, symptom: Symptom) -> None:
    async def test() -> None:
        daemon = Daemon(Settings.model_validate({"web": {"port": 0}, "state": {"path": tmp_path}}), Secrets(), now=now)
        running = asyncio.create_task(daemon.run())
        await asyncio.sleep(5)
        symptom.led_to_by("status", status_screen.lines(daemon.status(), now=now()))
        daemon.stop()
        assert await running == 0

    virtually(test)


def test_the_name_of_the_exchange_server_is_not_known(tmp_path: Path, symptom: Symptom) -> None:
    brought_about(symptom, tmp_path, url="https://mail.nowhere.invalid/EWS/Exchange.asmx")


def test_exchange_does_not_answer(tmp_path: Path, symptom: Symptom) -> None:
    brought_about(symptom, tmp_path, url="http://127.0.0.1:1/EWS/Exchange.asmx")


def test_the_certificate_of_exchange_has_ended(tmp_path: Path, symptom: Symptom) -> None:
    authority = LabAuthority(tmp_path)
    expired = authority.server_context(kind="expired")
    brought_about(symptom, tmp_path, tls=expired, ca_file=authority.ca_file)


def test_something_answers_that_is_not_ews(tmp_path: Path, symptom: Symptom) -> None:
    brought_about(symptom, tmp_path, dials={"web_server_status": 404})


@pytest.mark.parametrize("dial", ["", "expired_accounts", "locked_accounts"])
def test_the_password_of_the_service_account_is_wrong_or_has_expired(
    tmp_path: Path, symptom: Symptom, dial: str
) -> None:
    def begins(house: House) -> None:
        house.password = "Exchange#1" if dial else "Exchange#0"

    brought_about(symptom, tmp_path, begins=begins, dials={dial: ["svc-rainbow"]} if dial else {})


def test_ews_is_forbidden_to_the_account(tmp_path: Path, symptom: Symptom) -> None:
    brought_about(symptom, tmp_path, dials={"web_server_status": 403})


def test_the_account_may_not_act_for_the_users(tmp_path: Path, symptom: Symptom) -> None:
    brought_about(symptom, tmp_path, dials={"impersonation": False})


def test_exchange_is_busy_all_the_time(tmp_path: Path, symptom: Symptom) -> None:
    brought_about(symptom, tmp_path, dials={"server_busy": "fault"}, after=90)


def test_rainbow_cannot_be_reached(tmp_path: Path, symptom: Symptom) -> None:
    brought_about(symptom, tmp_path, begins=lambda house: house.link.update(url="http://127.0.0.1:1"))


def test_the_proxy_wants_a_name_and_a_password(tmp_path: Path, symptom: Symptom) -> None:
    async def test() -> None:
        proxy = SmallProxy(account=("svc-rainbow", "Proxy#1"))
        async with await asyncio.start_server(proxy.connected, "127.0.0.1", 0) as server:
            proxy.port = server.sockets[0].getsockname()[1]
            company = House(tmp_path, 2)
            company.link.update(url="https://openrainbow.invalid", proxy_url=proxy.url)
            async with company.open():
                company.start()
                await asyncio.sleep(30)
                symptom.led_to_by("status", status_screen.lines(company.status(), now=now()))
            await proxy.stop()
        assert set(proxy.given) == {None}

    virtually(test)


def test_rainbow_refuses_the_sign_in(tmp_path: Path, symptom: Symptom) -> None:
    def begins(house: House) -> None:
        house.rainbow_password = "Rainbow#0"

    brought_about(symptom, tmp_path, begins=begins)


def test_it_is_switched_off_in_rainbow(tmp_path: Path, symptom: Symptom) -> None:
    def happens(house: House) -> Awaitable[object]:
        return Administrator(house.rainbow).switch("disabled")

    brought_about(symptom, tmp_path, happens=happens, after=420)


def test_another_connector_has_taken_the_place_of_this_one(tmp_path: Path, symptom: Symptom) -> None:
    async def happens(house: House) -> None:
        async with aiohttp.ClientSession(house.rainbow.url) as session:
            await session.post("/lab/dials", json={"rival": "same"})

    brought_about(symptom, tmp_path, happens=happens, after=10)


def test_rainbow_is_told_and_does_not_ask(tmp_path: Path, symptom: Symptom) -> None:
    def happens(house: House) -> None:
        house.rainbow.dials.set({"ask": False})
        house.appointment(house.people[0].login_email, start=now() + timedelta(hours=1))

    brought_about(symptom, tmp_path, happens=happens, after=45)


def test_rainbow_asks_by_a_name_that_is_not_trusted(tmp_path: Path, symptom: Symptom) -> None:
    def happens(house: House) -> Awaitable[object]:
        return house.rainbow.questions.ask("events", house.people[0].login_email, sender="m@other-rainbow.test/1")

    brought_about(symptom, tmp_path, happens=happens, after=5)


def test_a_sudden_end_of_rainbow_s_list_of_users(tmp_path: Path, symptom: Symptom) -> None:
    def begins(house: House) -> None:
        house.bridge = {"users_refresh_minutes": 1}

    def happens(house: House) -> None:
        for user in house.people[1:]:
            house.rainbow.people.remove(user.id)

    brought_about(symptom, tmp_path, people=8, begins=begins, happens=happens, after=100)
