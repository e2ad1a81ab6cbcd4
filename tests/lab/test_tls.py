"""The lab's own certificate authority."""

import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509

from rainbow_exchange.lab.tls import Kind, LabAuthority


def test_the_file_holds_the_authority_that_its_clients_trust(tmp_path: Path) -> None:
    authority = LabAuthority(tmp_path)
    kept = x509.load_pem_x509_certificate(authority.ca_file.read_bytes())
    (trusted,) = authority.client_context().get_ca_certs(binary_form=True)
    assert x509.load_der_x509_certificate(trusted) == kept
    assert authority.server_context("exch01.acme.test").verify_mode is ssl.CERT_NONE


def test_each_authority_is_another(tmp_path: Path) -> None:
    first = LabAuthority(tmp_path).ca_file.read_bytes()
    assert LabAuthority(tmp_path).ca_file.read_bytes() != first


SHAPES: list[tuple[Kind, int, str, str]] = [
    ("good", 2, "Lab Issuing CA", "127.0.0.1"),
    ("expired", 2, "Lab Issuing CA", "127.0.0.1"),
    ("other-name", 2, "Lab Issuing CA", "exchange.lab.test"),
    ("self-signed", 1, "127.0.0.1", "127.0.0.1"),
    ("no-intermediate", 1, "Lab Issuing CA", "127.0.0.1"),
    ("unknown-ca", 2, "Other Issuing CA", "127.0.0.1"),
    ("old-tls", 2, "Lab Issuing CA", "127.0.0.1"),
]


@pytest.mark.parametrize(("kind", "sent", "issuer", "name"), SHAPES, ids=[each[0] for each in SHAPES])
def test_each_kind_is_what_its_name_says(tmp_path: Path, kind: Kind, sent: int, issuer: str, name: str) -> None:
    """As OpenSSL's own client sees it."""
    server = LabAuthority(tmp_path).server_context(kind=kind)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)

    def serve() -> None:
        connection, _ = listener.accept()
        with suppress(OSError), server.wrap_socket(connection, server_side=True) as link:
            link.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    command = ["openssl", "s_client", "-showcerts", "-cipher", "ALL:@SECLEVEL=0", "-connect"]
    ran = subprocess.run(  # noqa: S603 (its arguments are ours)
        [*command, f"127.0.0.1:{listener.getsockname()[1]}"], input=b"", capture_output=True, timeout=60, check=False
    )
    thread.join(60)
    listener.close()
    said = ran.stdout.decode()
    assert said.count("BEGIN CERTIFICATE") == sent + ("Server certificate\n-----BEGIN" in said)
    assert f"CN = {issuer}" in said
    assert f"CN = {name}" in said
    assert ("Protocol  : TLSv1\n" in said) == (kind == "old-tls")


def test_a_running_server_takes_another_certificate_or_says_why_not(tmp_path: Path) -> None:
    authority = LabAuthority(tmp_path)
    context = authority.server_context(kind="expired")
    authority.renew(context, "good")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as link:
            link.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    with (
        socket.create_connection(listener.getsockname(), 60) as raw,
        authority.client_context().wrap_socket(raw, server_hostname="127.0.0.1") as link,
    ):
        assert link.version() is not None
    thread.join(60)
    listener.close()
    for kind in ("old-tls", "weak-key", "nonsense"):
        with pytest.raises(ValueError, match="kind is one of good, expires-soon, expired, "):
            authority.renew(context, kind)
