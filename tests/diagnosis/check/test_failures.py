"""Each classic trap leads to its named cause, at the step where it stands in the way; what needs it is skipped."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from rainbow_exchange.lab.exchange.mailbox import Right
from tests.checking import Bench, bench, check, checked, told
from tests.ports import free_port

AFTER_SIGN_IN = {
    "exchange-version",
    "mailbox",
    "impersonation",
    "must-refuse",
    "subscription",
    "stream",
    "availability",
    "out-of-office",
}


@pytest.mark.parametrize(
    ("dials", "cause", "says"),
    [
        ({"unauthorized": True}, "exchange-authentication", "refuses the user name or password by Basic"),
        ({"auth_schemes": ["NTLM"], "expired_accounts": ["svc-rainbow"]}, "exchange-authentication", "by NTLM"),
        (
            {"auth_schemes": ["NTLM"], "balanced_per_request": True},
            "exchange-authentication",
            "load balancer may spread the requests",
        ),
        ({"web_server_status": 403}, "exchange-forbidden", "forbids EWS to this account (HTTP 403)"),
        ({"web_server_status": 404}, "exchange-not-ews", "is not an EWS address"),
        ({"web_server_status": 302}, "exchange-not-ews", "not followed"),
        ({"web_server_status": 503}, "exchange-unreachable", "http-503"),
        ({"server_busy": "fault", "server_busy_milliseconds": 30000}, "exchange-busy", "left alone for 30 s"),
    ],
)
async def test_a_sign_in_that_fails(tmp_path: Path, dials: dict[str, Any], cause: str, says: str) -> None:
    house = bench(tmp_path)
    house.exchange.dials.turn(dials)

    found = await checked(house)

    assert told(found, "fail") == {"exchange-authentication": cause}
    failure = found["exchange-authentication"]
    assert says in f"{failure.text} {failure.fix}"
    assert failure.fix
    assert not re.search(r"by itself|retry", f"{failure.text} {failure.fix}")
    because = {step: each.because for step, each in found.items() if each.because}
    assert because == dict.fromkeys(AFTER_SIGN_IN, "exchange-authentication")
    assert found["rainbow-notify"].verdict == "pass"


async def test_a_name_nobody_knows(tmp_path: Path) -> None:
    found = await checked(bench(tmp_path, url="https://mail.acme.invalid/EWS/Exchange.asmx"))

    assert told(found, "fail") == {"exchange-name": "exchange-name-unknown"}
    assert {found[step].because for step in ("exchange-tcp", "exchange-tls", "exchange-authentication", "stream")} == {
        "exchange-name"
    }


async def test_a_port_that_is_closed(tmp_path: Path) -> None:
    port = free_port()
    found = await checked(bench(tmp_path, url=f"https://127.0.0.1:{port}/EWS/Exchange.asmx"))

    assert told(found, "fail") == {"exchange-tcp": "exchange-unreachable"}
    assert found["exchange-tcp"].facts["closed"] == {"127.0.0.1": "Connection refused"}


async def test_no_right_to_act_for_others_is_a_warning_there_and_a_failure_where_it_is_needed(tmp_path: Path) -> None:
    house = bench(tmp_path)
    house.exchange.dials.turn({"impersonation": False})

    found = await checked(house)

    assert told(found, "warn") == {"impersonation": "mailbox-impersonation-denied"}
    assert told(found, "fail") == {"subscription": "mailbox-impersonation-denied"}
    assert "rainbow-exchange throttling-policy print" in found["subscription"].fix


async def test_busy_mode_is_a_warning(tmp_path: Path) -> None:
    house = bench(tmp_path, right=Right.REVIEWER, impersonation=False)

    found = await checked(house)

    assert told(found, "warn") == {"impersonation": "exchange-impersonation-off"}
    assert told(found, "fail") == {}
    assert found["out-of-office"].facts["source"] == "mail tip"


@pytest.mark.parametrize(
    ("dials", "causes"),
    [
        (
            {"refuse_logins": True, "login_urls": [{"type": "SAML"}]},
            {"mailbox": "user-unknown", "rainbow-sign-in": "rainbow-authentication"},
        ),
        ({"refuse_xmpp_logins": True}, {"rainbow-link": "rainbow-link-lost"}),
        (
            {"refuse_next": 99, "refuse_status": 429, "refuse_path": "admin/v1.0/users"},
            {"mailbox": "user-unknown", "rainbow-users": "rainbow-rate-limited"},
        ),
        (
            {"refuse_next": 99, "refuse_status": 403, "refuse_path": "/notify"},
            {"rainbow-notify": "rainbow-notify-refused"},
        ),
    ],
)
async def test_rainbow_that_refuses(tmp_path: Path, dials: dict[str, Any], causes: dict[str, str]) -> None:
    house = bench(tmp_path)
    house.rainbow.dials.set(dials)

    found = await checked(house)

    assert told(found, "fail") == causes
    assert found["exchange-version"].verdict == "pass"
    assert not any(re.search(r"by itself|retry --all", each.text + each.fix) for each in found.values())
    if "login_urls" in dials:
        assert "signs in by single sign-on (SAML)" in found["rainbow-sign-in"].text
        assert "rainbow-exchange login --token" in found["rainbow-sign-in"].fix


@asynccontextmanager
async def in_front_of(house: Bench, lacking: bytes) -> AsyncIterator[str]:
    """Stand before the lab's Exchange as a server that does not know one operation, and says so in plain text."""

    async def forward(request: web.Request) -> web.Response:
        body = await request.read()
        if lacking in body:
            return web.Response(status=500, text="no such thing")
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        target = house.exchange.base + request.path
        async with (
            aiohttp.ClientSession() as session,
            session.request(request.method, target, data=body, headers=headers) as answer,
        ):
            challenge = {name: answer.headers[name] for name in ("WWW-Authenticate",) if name in answer.headers}
            kind = answer.content_type
            return web.Response(status=answer.status, body=await answer.read(), content_type=kind, headers=challenge)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/EWS/Exchange.asmx"
    finally:
        await runner.cleanup()


async def test_a_server_without_a_directory_is_asked_something_else(tmp_path: Path) -> None:
    house = bench(tmp_path)
    async with house.open(), in_front_of(house, b"ResolveNames") as url:
        house.settings["url"] = url
        found = await check(house, sides=("exchange",), address="nobody@acme.test")

    assert told(found, "fail") == {"mailbox": "mailbox-not-found"}
    assert found["exchange-authentication"].text == "As svc-rainbow, by Basic."
    assert found["exchange-version"].text == "15.1.1591.10 (Exchange 2016)."
