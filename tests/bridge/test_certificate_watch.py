"""The end of the Exchange server's certificate, and certificates that nobody verifies: what the administrator reads."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs

from rainbow_exchange.bridge.certificate_watch import CertificateWatch
from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.network.trust import client_context, unverified_context

HOST = "mail.acme.test"


def issued(tmp_path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(LabAuthority(tmp_path).ca_file.read_bytes())


@pytest.mark.parametrize(
    ("left", "severity", "words"),
    [
        (timedelta(days=30, seconds=5), None, ""),
        (timedelta(days=30), "notice", "in 30 days"),
        (timedelta(days=14), "notice", "in 14 days"),
        (timedelta(days=7, seconds=5), "notice", "in 8 days"),
        (timedelta(days=7), "warning", "in 7 days"),
        (timedelta(hours=25), "warning", "in 2 days"),
        (timedelta(hours=24), "error", "in 1 day"),
    ],
)
def test_it_is_said_in_time(tmp_path: Path, left: timedelta, severity: str | None, words: str) -> None:
    certificate = issued(tmp_path)
    ends = certificate.not_valid_after_utc
    watch = CertificateWatch(
        lambda: certificate.public_bytes(Encoding.DER), host=HOST, verified=True, now=lambda: ends - left
    )
    warned = watch.ending()
    assert watch.ends() == ends
    if severity is None:
        assert warned is None
        return
    assert warned is not None
    assert (warned.severity, warned.text) == (
        severity,
        (
            f"The certificate of mail.acme.test expires on {ends:%Y-%m-%d at %H:%M} UTC, {words}. Without a valid one"
            " nothing works."
        ),
    )


def test_each_of_the_four_days_is_logged_once(tmp_path: Path) -> None:
    certificate = issued(tmp_path)
    der, ends = certificate.public_bytes(Encoding.DER), certificate.not_valid_after_utc
    today = [ends - timedelta(days=40)]
    watch = CertificateWatch(lambda: der, host=HOST, verified=True, now=lambda: today[0])
    structlog.reset_defaults()
    with capture_logs() as logs:
        for _ in range(45 * 24):
            watch.ending()
            today[0] += timedelta(hours=1)
    assert [(entry["event"], entry["days_left"]) for entry in logs] == [
        ("exchange_certificate_ends", 30),
        ("exchange_certificate_ends", 14),
        ("exchange_certificate_ends", 7),
        ("exchange_certificate_ends", 1),
    ]
    warned = watch.ending()
    assert warned is not None
    assert f"has expired on {ends:%Y-%m-%d}" in warned.text


def test_nothing_is_said_before_a_certificate_was_seen_and_without_tls() -> None:
    watch = CertificateWatch(lambda: None, host=HOST, verified=True, now=lambda: datetime.now(UTC))
    assert (watch.ends(), watch.ending(), watch.unverified()) == (None, None, None)


def test_a_certificate_that_cannot_be_read_is_no_bug_of_ours() -> None:
    watch = CertificateWatch(lambda: b"\x30\x03\x02\x01\x05", host=HOST, verified=True, now=lambda: datetime.now(UTC))
    assert (watch.ends(), watch.ending()) == (None, None)


def test_an_inspecting_product_that_is_trusted_is_named_by_its_issuer(tmp_path: Path) -> None:
    made = LabAuthority(tmp_path).chain("intercepted")[0]
    watch = CertificateWatch(lambda: made, host=HOST, verified=True, now=lambda: datetime.now(UTC))
    warned = watch.intercepted()
    assert warned is not None
    assert (warned.severity, warned.text) == (
        "notice",
        (
            "The certificate of mail.acme.test was issued by “Zscaler Intermediate Root CA (lab.test)”. This looks like"
            " an intercepting proxy (Zscaler), which sees the password of the Exchange account, and all calendars."
        ),
    )
    good = LabAuthority(tmp_path).chain("good")[0]
    watch = CertificateWatch(lambda: good, host=HOST, verified=True, now=lambda: datetime.now(UTC))
    assert watch.intercepted() is None


@pytest.mark.parametrize("verified", [True, False])
async def test_the_certificate_is_that_of_the_clients_own_connection(tmp_path: Path, verified: bool) -> None:
    """Also where nothing is verified, which is a problem of its own for as long as it lasts."""
    authority = LabAuthority(tmp_path)
    lab = LabExchange(
        mailboxes=[LabMailbox(address="ada@acme.test", display_name="Ada")],
        password="pw",
        now=lambda: datetime.now(UTC),
        random=lambda: 0.5,
    )
    await lab.start(ssl=authority.server_context(kind="expires-soon"))
    context = client_context(authority.ca_file) if verified else unverified_context()
    auth = BasicAuth("svc-rainbow", "pw")
    async with EwsClient(url=lab.url, auth=auth, ssl=context, now=lambda: datetime.now(UTC)) as client:
        watch = CertificateWatch(
            lambda: client.certificate, host="127.0.0.1", verified=verified, now=lambda: datetime.now(UTC)
        )
        assert watch.ending() is None
        await client.call(ResolveNames(entry="ada"))
        warned = watch.ending()
    await lab.stop()
    assert warned is not None
    ends = datetime.now(UTC) + timedelta(days=5, hours=12)
    assert warned.severity == "warning"
    assert warned.text.startswith(f"The certificate of 127.0.0.1 expires on {ends:%Y-%m-%d} at ")
    assert "UTC, in 6 days. " in warned.text
    unverified = watch.unverified()
    if verified:
        assert unverified is None
        return
    assert unverified is not None
    assert (unverified.severity, unverified.text) == (
        "warning",
        (
            "The certificate of 127.0.0.1 is not verified: anybody in between can read the password of the Exchange"
            " account, and all calendars."
        ),
    )
