"""A refused login of a company with single sign-on, in the whole daemon between both labs."""

import asyncio
from pathlib import Path

from rainbow_exchange.daemon import Daemon
from tests.house import House, until, virtually

LOGIN, URLS = "/api/rainbow/authentication/v1.0/login", "/api/rainbow/authentication/v1.0/urls"


def problem(daemon: Daemon) -> dict[str, str]:
    found = [each for each in daemon.status()["problems"] if each["id"] == "rainbow-authentication"]
    return found[0] if found else {"text": "", "action": ""}


def test_it_is_asked_once_after_the_first_refusal_and_explained(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        house.rainbow.dials.set({"refuse_logins": True, "login_urls": [{"type": "OIDC"}]})
        async with house.open():
            daemon = house.start()
            await until(lambda: "single sign-on (OIDC)" in problem(daemon)["text"], within=60)
            assert problem(daemon)["text"].startswith("Rainbow at 127.0.0.1 refuses the sign-in: ")
            assert "rainbow-exchange login --token" in problem(daemon)["action"]
            await asyncio.sleep(90)
            paths = [each["path"] for each in house.rainbow.record.requests]
            assert [path for path in paths if path in {LOGIN, URLS}] == [LOGIN, URLS]

    virtually(test)


def test_a_login_that_is_taken_asks_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        house.rainbow.dials.set({"login_urls": [{"type": "OIDC"}]})
        async with house.at_work():
            assert URLS not in [each["path"] for each in house.rainbow.record.requests]

    virtually(test)


def test_without_single_sign_on_nothing_is_added(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        house.rainbow.dials.set({"refuse_logins": True})
        async with house.open():
            daemon = house.start()
            await until(lambda: URLS in [each["path"] for each in house.rainbow.record.requests], within=60)
            assert "single sign-on" not in problem(daemon)["text"]

    virtually(test)
