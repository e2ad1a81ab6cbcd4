"""The way to a server: what the check says of certificates, clocks, proxies, and of servers that are no Exchange."""

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from rainbow_exchange.lab.tls import Kind, LabAuthority
from tests.administrator import Stranger
from tests.checking import Bench, bench, check, checked, told
from tests.ports import free_port
from tests.verdicts import EXPECTED, day


def over_tls(folder: Path, kind: Kind, **more: Any) -> Bench:
    authority = LabAuthority(folder)
    house = bench(folder / "state", tls=authority.server_context(kind=kind), **more)
    if house.settings.get("ca_file", "") is not None:
        house.settings["ca_file"] = authority.ca_file
    return house


@pytest.mark.parametrize("kind", ["expired", "other-name", "unknown-ca", "intercepted"])
async def test_a_certificate_that_is_not_trusted(tmp_path: Path, kind: Kind) -> None:
    text, action = next((text, action) for name, trusted, text, action in EXPECTED if (name, trusted) == (kind, True))

    found = await checked(over_tls(tmp_path, kind))

    failure = found["exchange-tls"]
    assert told(found, "fail") == {"exchange-tls": "exchange-certificate"}
    assert (failure.text, failure.fix) == (text, action)
    assert found["exchange-authentication"].because == "exchange-tls"
    assert failure.facts["host_fits"] is (kind != "other-name")
    assert failure.facts["days_left"] == (-11 if kind == "expired" else 364)


async def test_a_certificate_is_shown_with_chain_names_and_dates(tmp_path: Path) -> None:
    found = await checked(over_tls(tmp_path, "good"))

    shown = found["exchange-tls"]
    assert shown.verdict == "pass"
    assert shown.text == (
        f"For localhost, 127.0.0.1, by Lab Issuing CA → Lab Root CA, until {day(days=365)} (364 days)."
    )
    assert [each["subject"] for each in shown.facts["chain"]] == ["127.0.0.1", "Lab Issuing CA"]
    assert shown.facts["tls"] == "TLSv1.3"


@pytest.mark.parametrize(
    ("kind", "settings", "cause"),
    [
        ("expires-soon", {}, "exchange-certificate-expires"),
        ("good", {"ca_file": None, "verify_certificates_insecurely_off": True}, "exchange-certificate-unverified"),
    ],
)
async def test_a_certificate_that_works_and_is_worth_a_word(
    tmp_path: Path, kind: Kind, settings: dict[str, Any], cause: str
) -> None:
    found = await checked(over_tls(tmp_path, kind, **settings))

    assert told(found, "warn") == {"exchange-tls": cause}
    assert told(found, "fail") == {}


async def test_an_inspecting_proxy_that_is_trusted_is_named(tmp_path: Path) -> None:
    house = over_tls(tmp_path, "intercepted")
    async with house.open():
        port = URL(house.exchange.url).port or 0
        presented = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
        house.settings["ca_file"] = tmp_path / "trusted.pem"
        house.settings["ca_file"].write_text(presented)
        found = await check(house)

    assert told(found, "warn") == {"exchange-tls": "exchange-certificate-intercepted"}
    assert "This looks like an intercepting proxy (Zscaler)" in found["exchange-tls"].text


@pytest.mark.parametrize(("seconds", "verdict"), [(615, "fail"), (-95, "warn"), (30, "pass")])
async def test_a_clock_that_is_off(tmp_path: Path, seconds: int, verdict: str) -> None:
    house = bench(tmp_path)
    house.rainbow.dials.set({"clock_skew_seconds": seconds})

    found = await checked(house, sides=("rainbow",))

    clock = found["rainbow-clock"]
    assert clock.verdict == verdict
    if verdict != "pass":
        assert clock.cause == "clock-off"
        how = "10 min 1. s behind" if seconds > 0 else "1 min 3. s ahead of"  # Date has whole seconds
        assert re.search(f"clock is {how} Rainbow's", clock.text)


async def page(_: web.Request) -> web.Response:
    return web.Response(text="<!DOCTYPE html><title>Outlook</title>", content_type="text/html")


@asynccontextmanager
async def website() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/owa/"
    finally:
        await runner.cleanup()


async def test_the_page_of_outlook_on_the_web_is_no_ews(tmp_path: Path) -> None:
    async with website() as url:
        found = await checked(bench(tmp_path, url=url))

    assert told(found, "fail") == {"exchange-authentication": "exchange-not-ews"}
    assert "/EWS/Exchange.asmx" in found["exchange-authentication"].fix


async def test_whoever_asks_for_a_password_again_and_again_is_asked_once(tmp_path: Path) -> None:
    async with Stranger().open() as stranger:
        found = await checked(bench(tmp_path, url=stranger.url))

    assert told(found, "fail") == {"exchange-authentication": "exchange-authentication"}
    proofs = [each for each in stranger.requests if each and each.startswith("Basic")]
    assert len(proofs) <= 1


async def test_a_server_that_answers_no_head_has_a_certificate_all_the_same(tmp_path: Path) -> None:
    authority = LabAuthority(tmp_path)

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=authority.server_context())
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/EWS/Exchange.asmx"
        found = await checked(bench(tmp_path / "state", url=url, ca_file=authority.ca_file))

    assert found["exchange-tls"].verdict == "pass"
    assert told(found, "fail") == {"exchange-authentication": "exchange-unreachable"}


async def test_a_proxy_that_is_not_there_stands_in_the_way_of_its_side_only(tmp_path: Path) -> None:
    port = free_port()
    found = await checked(bench(tmp_path, proxy_url=f"http://127.0.0.1:{port}"))

    assert told(found, "fail") == {"exchange-proxy": "exchange-unreachable"}
    assert f"No connection to the proxy 127.0.0.1:{port}" in found["exchange-proxy"].text
    assert found["exchange-name"].because == "exchange-proxy"
    assert found["rainbow-notify"].verdict == "pass"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
            "asks for a user name and password (HTTP 407)",
        ),
        (b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "forbids connections"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not behave as an HTTP proxy"),
    ],
)
async def test_a_proxy_that_lets_nobody_through(tmp_path: Path, answer: bytes, says: str) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        found = await checked(over_tls(tmp_path, "good", proxy_url=proxy))

    assert told(found, "fail") == {"exchange-proxy": "exchange-unreachable"}
    assert says in found["exchange-proxy"].text


async def test_one_of_several_addresses_that_is_closed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name service is played: not every machine has two addresses for its own name."""
    house = over_tls(tmp_path, "good")
    known = socket.getaddrinfo

    def two(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        found = known("127.0.0.1" if host == "localhost" else host, port, *rest, **more)
        both = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))]
        return [*found, *both] if host == "localhost" else found

    monkeypatch.setattr(socket, "getaddrinfo", two)
    async with house.open():
        base = house.exchange.base.replace("127.0.0.1", "localhost")
        house.settings["url"] = f"{base}/EWS/Exchange.asmx"
        found = await check(house)

    assert found["exchange-tcp"].verdict == "warn"
    assert "localhost has several addresses, and not all accept connections" in found["exchange-tcp"].text
    assert (found["exchange-tcp"].facts["open"], [*found["exchange-tcp"].facts["closed"]]) == (["127.0.0.1"], ["::1"])


@pytest.mark.parametrize(("allowed", "cause"), [(True, ""), (False, "exchange-host-not-allowed")])
async def test_exchange_is_looked_for_by_autodiscover_once(tmp_path: Path, allowed: bool, cause: str) -> None:
    authority = LabAuthority(tmp_path)
    house = bench(tmp_path / "state", tls=authority.server_context(), url=None, ca_file=authority.ca_file)
    async with house.open():
        at = house.exchange.base
        house.settings["autodiscover_url"] = f"{at}/autodiscover/autodiscover.svc"
        if not allowed:
            elsewhere = dict.fromkeys(
                house.exchange.directory.by_address, f"{at.replace('127.0.0.1', 'localhost')}/EWS"
            )
            house.exchange.dials.turn({"ews_urls": elsewhere})
        found = await check(house)

    assert told(found, "fail") == ({"exchange-place": cause} if cause else {})
    if allowed:
        assert found["exchange-place"].text == f"{at}/EWS/Exchange.asmx (found by autodiscover)."
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("version", "verdict", "cause"),
    [
        ('MajorVersion="15" MinorVersion="2" MajorBuildNumber="1748" MinorBuildNumber="10"', "pass", ""),
        ('MajorVersion="14" MinorVersion="3" MajorBuildNumber="123" MinorBuildNumber="3"', "warn", "exchange-too-old"),
        ('MajorVersion="8" MinorVersion="3" MajorBuildNumber="83" MinorBuildNumber="0"', "fail", "exchange-too-old"),
        ('Version="gromox"', "warn", "exchange-version-unknown"),
    ],
)
async def test_which_exchange_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, verdict: str, cause: str
) -> None:
    monkeypatch.setattr("rainbow_exchange.lab.exchange.wire._VERSION", version)

    found = (await checked(bench(tmp_path), sides=("exchange",), address="nobody@acme.test"))["exchange-version"]

    assert (found.verdict, found.cause) == (verdict, cause)


async def test_a_name_server_that_never_answers_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()

    def never(*_: object, **__: object) -> None:
        asked.wait()

    monkeypatch.setattr("rainbow_exchange.diagnosis.check.way._LOOK_UP_WITHIN", 0.1)
    house = bench(tmp_path, url="https://mail.acme.test/EWS/Exchange.asmx")
    async with house.open():
        with monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", never)
            found = await check(house, sides=("exchange",))
        asked.set()

    assert told(found, "fail") == {"exchange-name": "exchange-name-unknown"}
    assert found["exchange-tcp"].because == "exchange-name"


@pytest.mark.parametrize(
    ("kind", "trusted", "verdict", "cause", "says"),
    [
        ("good", True, "pass", "", "by Lab Issuing CA → Lab Root CA"),
        ("expires-soon", True, "warn", "rainbow-certificate-expires", "Rainbow renews its own"),
        ("intercepted", True, "fail", "rainbow-unreachable", "Zscaler on the way seems to open the connection"),
        ("good", False, "fail", "rainbow-unreachable", "have it leave 127.0.0.1 alone"),
    ],
)
async def test_the_certificate_of_rainbow(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: Kind,
    trusted: bool,
    verdict: str,
    cause: str,
    says: str,
) -> None:
    authority = LabAuthority(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    house = bench(tmp_path / "state", url="https://mail.acme.test/EWS/Exchange.asmx")
    await house.rainbow.start(ssl=authority.server_context(kind=kind))
    try:
        found = await check(house, sides=("rainbow",))
    finally:
        await house.rainbow.stop()

    seen = found["rainbow-tls"]
    assert (seen.verdict, seen.cause) == (verdict, cause)
    assert says in f"{seen.text} {seen.fix}"
    assert found["rainbow-sign-in"].because == ("rainbow-tls" if verdict == "fail" else "")
    assert (found["rainbow-link"].verdict == "pass") is (verdict != "fail")
