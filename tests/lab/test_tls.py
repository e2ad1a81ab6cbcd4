"""The lab's own certificate authority."""

import ssl
from pathlib import Path

from cryptography import x509

from rainbow_exchange.lab.tls import LabAuthority


def test_the_file_holds_the_authority_that_its_clients_trust(tmp_path: Path) -> None:
    authority = LabAuthority(tmp_path)
    kept = x509.load_pem_x509_certificate(authority.ca_file.read_bytes())
    (trusted,) = authority.client_context().get_ca_certs(binary_form=True)
    assert x509.load_der_x509_certificate(trusted) == kept
    assert authority.server_context("exch01.acme.test").verify_mode is ssl.CERT_NONE


def test_each_authority_is_another(tmp_path: Path) -> None:
    first = LabAuthority(tmp_path).ca_file.read_bytes()
    assert LabAuthority(tmp_path).ca_file.read_bytes() != first
