"""What `exchange.ca_file` may hold, and what is said of a file that does not."""

import ssl
from pathlib import Path

import pytest

from rainbow_exchange.errors import UserError
from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.network.trust import client_context, unverified_context


@pytest.fixture
def pem(tmp_path: Path) -> bytes:
    return LabAuthority(tmp_path).ca_file.read_bytes()


def refused(file: Path) -> str:
    with pytest.raises(UserError) as raised:
        client_context(file)
    (problem,) = raised.value.problems
    return problem


def test_a_context_verifies_chain_and_host_from_tls_1_2_on() -> None:
    context = client_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_without_verification_nothing_is_verified() -> None:
    context = unverified_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)


def test_several_certificates_and_the_text_around_them_are_taken(tmp_path: Path, pem: bytes) -> None:
    file = tmp_path / "both.pem"
    file.write_bytes(b"subject=Lab Root CA\r\n" + pem.replace(b"\n", b"\r\n") + b"\n\n# and another\n" + pem)
    client_context(file)


def test_a_file_in_der_form_is_called_so(tmp_path: Path, pem: bytes) -> None:
    file = tmp_path / "ca.cer"
    file.write_bytes(ssl.PEM_cert_to_DER_cert(pem.decode()))
    assert refused(file) == (
        f"exchange.ca_file: {file} is in DER form; export the certificate as Base-64 (PEM) and name that file."
    )


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(content)
    assert refused(file) == (
        f"exchange.ca_file: {file} is damaged or no certificate; export the certificate as Base-64 (PEM) and name that"
        " file."
    )


def test_one_damaged_certificate_is_not_left_out_in_silence(tmp_path: Path, pem: bytes) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(pem + pem.replace(b"MII", b"AAA", 1))
    assert "is damaged" in refused(file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.pem") == (
        f"exchange.ca_file: {tmp_path / 'none.pem'} cannot be read (No such file or directory); let this account read"
        " it."
    )


def test_no_more_is_read_than_certificates_can_need(tmp_path: Path, pem: bytes) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(pem + b"#" * 8_388_609)
    assert refused(file).startswith(f"exchange.ca_file: {file} is too large for certificates")
