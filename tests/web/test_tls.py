"""The page by TLS: the certificate named in the settings, a renewed one at once, and commands on their own listener."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from structlog.testing import capture_logs
from yarl import URL

from rainbow_exchange.cli import local_api
from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.daemon import Daemon
from rainbow_exchange.errors import UserError
from rainbow_exchange.web import app, runtime, tls
from tests.house import until

TOKEN = "t" * 64


@dataclass
class Acme:
    """An authority, and the files that the settings name."""

    folder: Path
    authority: trustme.CA = field(default_factory=trustme.CA)

    @property
    def files(self) -> tuple[Path, Path]:
        return self.folder / "page.pem", self.folder / "page.key"

    def issue(self, *names: str) -> None:
        made = self.authority.issue_cert(*names)
        self.files[0].write_bytes(b"".join(each.bytes() for each in made.cert_chain_pems))
        self.files[1].write_bytes(made.private_key_pem.bytes())

    def trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


@dataclass
class Served:
    page: int
    commands: app.Addresses
    client: aiohttp.ClientSession

    async def status(self, url: str, **headers: str) -> int:
        async with self.client.get(url, headers=headers) as answer:
            return answer.status


@pytest.fixture
def acme(tmp_path: Path) -> Acme:
    acme = Acme(tmp_path)
    acme.issue("page.acme.test", "127.0.0.1")
    return acme


@pytest.fixture
async def served(acme: Acme) -> AsyncIterator[Served]:
    page = app.make_app(status=dict, ready=bool, metrics=bytes, calls={}, token=TOKEN, nonce="n" * 64)
    by = tls.Tls(*acme.files)
    connector = aiohttp.TCPConnector(ssl=acme.trusting(), force_close=True)
    async with (
        app.serve(page, "127.0.0.1", 0, tls=by, names=["proxy.acme.test"]) as port,
        aiohttp.ClientSession(connector=connector) as client,
    ):
        yield Served(port, page[app.ADDRESSES], client)


async def test_browsers_come_by_tls_and_commands_to_their_own_listener_on_loopback(served: Served) -> None:
    browsers, commands = f"https://127.0.0.1:{served.page}", f"http://127.0.0.1:{served.commands.port}"
    challenge = "/api/nonce?challenge=" + "ab" * 16

    assert served.commands == app.Addresses(f"https://proxy.acme.test:{served.page}", "127.0.0.1", served.commands.port)
    assert served.commands.port != served.page
    assert await served.status(f"{browsers}/healthz") == 200
    assert await served.status(commands + challenge) == 200
    assert await served.status(f"{commands}/api/status", Authorization=f"Bearer {TOKEN}") == 200
    for elsewhere in (f"{browsers}/api/status", browsers + challenge, commands, f"{commands}/sign-in"):
        assert await served.status(elsewhere, Authorization=f"Bearer {TOKEN}") == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("page.acme.test", 200),
        ("PROXY.acme.test:443", 200),
        ("localhost", 200),
        ("evil.test", 421),
        ("acme.test", 421),
        ("192.0.2.1", 421),
    ],
)
async def test_names_of_the_certificate_and_those_allowed_are_known(served: Served, host: str, status: int) -> None:
    assert await served.status(f"https://127.0.0.1:{served.page}/healthz", Host=host) == status


async def test_a_renewed_certificate_is_used_at_once_and_one_that_is_none_is_not(acme: Acme, served: Served) -> None:
    url = f"https://127.0.0.1:{served.page}/healthz"

    async def names() -> tuple[str, ...]:
        _, writer = await asyncio.open_connection("127.0.0.1", served.page, ssl=acme.trusting())
        try:
            found = writer.get_extra_info("ssl_object").getpeercert()["subjectAltName"]
            return tuple(value for kind, value in found if kind == "DNS")
        finally:
            writer.transport.abort()

    assert await served.status(url) == 200
    acme.issue("renewed.acme.test", "127.0.0.1")
    assert await names() == ("renewed.acme.test",)
    acme.files[0].write_text("half written")
    with capture_logs() as lines:
        assert await names() == ("renewed.acme.test",)
        assert await names() == ("renewed.acme.test",)
    assert [line["event"] for line in lines] == ["web_certificate_unusable"]


async def test_whoever_does_not_shake_hands_takes_nobodys_place(served: Served) -> None:
    idle = [await asyncio.open_connection("127.0.0.1", served.page) for _ in range(100)]
    reads = [asyncio.create_task(reader.read(1)) for reader, _ in idle]

    async with asyncio.timeout(60):
        assert await asyncio.gather(*reads[:60], return_exceptions=True) != []
        assert await served.status(f"https://127.0.0.1:{served.page}/healthz") == 200
    assert sum(not read.done() for read in reads) <= 32
    for _, writer in idle:
        writer.transport.abort()
    await asyncio.gather(*reads, return_exceptions=True)


def test_no_version_before_1_2_is_spoken(acme: Acme) -> None:
    assert tls.Tls(*acme.files).context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_without_files_there_is_none() -> None:
    assert tls.of(None, None) is None


def test_each_file_that_cannot_be_used_says_why_and_what_to_do(acme: Acme) -> None:
    def refused() -> str:
        with pytest.raises(UserError) as caught:
            tls.Tls(*acme.files)
        (problem,) = caught.value.problems
        return problem

    certificate, key = acme.files
    right = key.read_bytes()
    key.write_bytes(acme.authority.issue_cert("other.acme.test").private_key_pem.bytes())
    assert refused() == f"web.tls_key_file {key} is not the key of {certificate}; name the one it was made with."
    private = load_pem_private_key(right, None)
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))
    assert f"web.tls_key_file {key} is protected by a pass phrase" in refused()
    key.write_text("no key")
    assert "both must be PEM" in refused()
    key.write_bytes(b"x" * 300_000)
    assert "larger than 256 KiB" in refused()
    key.write_bytes(right)
    right_one = certificate.read_bytes()
    certificate.write_bytes(b"\x30\x82")
    assert f"web.tls_certificate_file {certificate} holds no certificate in PEM" in refused()
    certificate.write_bytes(right_one)
    key.unlink()
    assert f"web.tls_key_file {key} cannot be read (No such file or directory)" in refused()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows says it in other words")
def test_a_folder_is_no_certificate(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\)"):
        tls.Tls(tmp_path, tmp_path)


async def test_the_daemon_serves_its_page_by_tls_and_answers_commands_beside_it(acme: Acme, tmp_path: Path) -> None:
    certificate, key = acme.files
    web = {"port": 0, "tls_certificate_file": certificate, "tls_key_file": key}
    daemon = Daemon(Settings.model_validate({"web": web, "state": {"path": tmp_path / "state"}}), Secrets())
    running = asyncio.create_task(daemon.run())
    try:
        await until((tmp_path / "state" / "runtime.json").exists, within=60, step=0.01)
        status = await asyncio.to_thread(local_api.ask, tmp_path / "state", "/api/status", schema=1)
        assert status["exchange"]["state"] == "unconfigured"
        found = runtime.read(tmp_path / "state")
        assert found is not None
        at = URL(found.page)
        assert (at.scheme, at.host) == ("https", "page.acme.test")
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=acme.trusting())) as client,
            client.get(f"https://127.0.0.1:{at.port}/readyz", headers={"Host": "page.acme.test"}) as answer,
        ):
            assert answer.status == 503
    finally:
        daemon.stop()
        assert await running == 0


async def test_the_daemon_does_not_start_with_files_that_cannot_be_used(tmp_path: Path) -> None:
    web = {"port": 0, "tls_certificate_file": tmp_path / "page.pem", "tls_key_file": tmp_path / "page.key"}
    daemon = Daemon(Settings.model_validate({"web": web, "state": {"path": tmp_path}}), Secrets())

    with pytest.raises(UserError, match=r"web\.tls_certificate_file .* cannot be read \(No such file or directory\)"):
        await daemon.run()
