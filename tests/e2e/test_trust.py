"""The installed command against an Exchange whose certificate is not as it should be: what `status` says, literally."""

import os
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e]

Person = Callable[..., dict[str, Any]]


def screen(connector: Any, command: Any) -> str:
    """Return what `rainbow-exchange status` shows a person."""
    ran = subprocess.run(  # noqa: S603 (our own command)
        [command, "status"], env=os.environ | connector.environment, capture_output=True, timeout=90, check=False
    )
    return ran.stdout.decode()


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        (
            "expired",
            [
                "Error exchange-certificate",
                "  The certificate of 127.0.0.1 is not trusted: it expired on {past}, 10 days ago.",
                "  Next step: Renew the certificate on the server, and assign the new one to its web service (IIS).",
            ],
        ),
        (
            "no-intermediate",
            [
                (
                    "  The certificate of 127.0.0.1 is not trusted: it was issued by “Lab Issuing CA”, which this"
                    " machine does not trust, and the server sends no certificate of that issuer (it can be had at"
                    " http://pki.lab.test/issuing-ca.crt)."
                ),
            ],
        ),
        (
            "intercepted",
            [
                (
                    "  The certificate of 127.0.0.1 is not trusted: “Zscaler Intermediate Root CA (lab.test)” in its"
                    " chain was issued by “Zscaler Root CA”, which this machine does not trust. This looks like an"
                    " intercepting proxy: Zscaler."
                ),
            ],
        ),
    ],
)
def test_status_names_what_is_wrong(
    world: Any, person: Person, installed_command: Any, kind: str, lines: list[str]
) -> None:
    past = datetime.now(UTC) - timedelta(days=10, hours=12)
    connector = world.connector(world.lab([person("ada")], "--certificate", kind))
    connector.problem("exchange-certificate")
    shown = screen(connector, installed_command)
    for line in lines:
        assert line.format(past=f"{past:%Y-%m-%d}") in shown
    assert "  Rainbow    connected" in shown, "the other side goes on"


def test_a_certificate_that_ends_soon_is_told_while_everything_works(
    world: Any, person: Person, installed_command: Any, eventually: Callable[..., Any]
) -> None:
    ends = datetime.now(UTC) + timedelta(days=5, hours=12)
    connector = world.connector(world.lab([person("ada")], "--certificate", "expires-soon"))
    problem = connector.problem("exchange-certificate-expires")
    assert (problem["severity"], "UTC, in 6 days." in problem["text"]) == ("warning", True)
    eventually(lambda: connector.status()["mailboxes"]["streamed"] == 1, "streamed")
    assert connector.status()["exchange"]["certificate_ends"].startswith(f"{ends:%Y-%m-%d}")
    (line,) = [line for line in screen(connector, installed_command).splitlines() if line.startswith("  Exchange ")]
    assert line.endswith(f", certificate valid until {ends:%Y-%m-%d}")


def test_a_renewed_certificate_is_taken_without_a_restart(
    world: Any, person: Person, eventually: Callable[..., Any]
) -> None:
    lab = world.lab([person("ada")], "--certificate", "expired")
    connector = world.connector(lab)
    connector.problem("exchange-certificate")
    lab.renew("good")
    eventually(lambda: connector.status()["state"] == "healthy", "healthy", within=180)
    ends = datetime.now(UTC) + timedelta(days=365)
    assert connector.status()["exchange"]["certificate_ends"].startswith(f"{ends:%Y-%m-%d}")


def test_without_verification_everything_works_and_is_said_at_start_and_for_as_long_as_it_lasts(
    world: Any, person: Person, eventually: Callable[..., Any]
) -> None:
    lab = world.lab([person("ada")], "--certificate", "self-signed")
    connector = world.connector(lab, EXCHANGE__CA_FILE="", EXCHANGE__VERIFY_CERTIFICATES_INSECURELY_OFF="true")
    problem = connector.problem("exchange-certificate-unverified")
    assert (problem["severity"], problem["text"]) == (
        "warning",
        (
            "The certificate of 127.0.0.1 is not verified: anybody in between can read the password of the Exchange"
            " account, and all calendars."
        ),
    )
    eventually(lambda: connector.status()["mailboxes"]["streamed"] == 1, "streamed")
    assert [entry["level"] for entry in connector.events() if entry["event"] == "certificates_not_verified"] == [
        "warning"
    ]
    assert connector.status()["state"] == "degraded"


def test_a_ca_file_that_is_none_is_named_and_not_started_with(world: Any, person: Person, tmp_path: Path) -> None:
    lab = world.lab([person("ada")], "--tls")
    file = tmp_path / "ca.cer"
    pem = Path(lab.addresses["exchange"]["ca_file"]).read_text(encoding="ascii")
    file.write_bytes(ssl.PEM_cert_to_DER_cert(pem))
    connector = world.connector(lab, EXCHANGE__CA_FILE=str(file))
    assert connector.process.wait(90) == 2
    said = connector.output()
    sentence = f"{file} is in DER form; export the certificate as Base-64 (PEM) and name that file."
    assert f"exchange.ca_file: {sentence}" in said
    assert "Traceback" not in said
