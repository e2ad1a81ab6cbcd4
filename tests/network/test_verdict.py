"""Verdicts that no server on this machine can bring about: Windows' codes, what could not be seen, odd names."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from rainbow_exchange.network.certificate import fits, names
from rainbow_exchange.network.inspectors import inspector
from rainbow_exchange.network.verdict import Fault, Presented, judge

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
HOST = "mail.acme.test"


def certificate(
    subject: str = HOST,
    issuer: str = "Acme CA",
    hosts: tuple[str, ...] = (HOST,),
    *,
    ends: datetime = NOW + timedelta(days=100),
) -> x509.Certificate:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])

    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=400))
        .not_valid_after(ends)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), False)  # noqa: FBT003  (positional in the library)
    return builder.sign(KEY, SHA256())


def said(*chain: x509.Certificate, code: int | None, reason: str = "why", version: str = "TLSv1.2") -> str:
    return judge(HOST, Presented(at=NOW, chain=chain, tls_version=version), code=code, reason=reason).text


UNTRUSTED_ROOT, EXPIRED, WRONG_NAME, REVOKED = 0x800B0109, 0x800B0101, 0x800B010F, 0x80092010


def test_windows_codes_are_understood() -> None:
    root = certificate("Acme CA", "Acme CA", ())
    assert said(certificate(), root, code=UNTRUSTED_ROOT) == (
        "The certificate of mail.acme.test is not trusted: its chain ends at “Acme CA”, which this machine does not"
        " trust."
    )
    yesterday = NOW - timedelta(hours=30)
    assert said(certificate(ends=yesterday), root, code=EXPIRED) == (
        "The certificate of mail.acme.test is not trusted: it expired on 2026-03-01, 1 day ago."
    )
    assert said(certificate(hosts=("owa.acme.test",)), root, code=WRONG_NAME) == (
        "The certificate of mail.acme.test is not trusted: it is for owa.acme.test, not for mail.acme.test."
    )


def test_what_is_surely_wrong_comes_before_the_issuer_that_windows_always_blames() -> None:
    root = certificate("Acme CA", "Acme CA", ())
    verdict = judge(
        HOST,
        Presented(at=NOW, chain=(certificate(hosts=("owa.acme.test",)), root), tls_version="TLSv1.3"),
        code=UNTRUSTED_ROOT,
        reason="why",
    )
    assert verdict.faults == (Fault.OTHER_NAME, Fault.UNKNOWN_ISSUER)
    assert verdict.text == (
        "The certificate of mail.acme.test is not trusted: it is for owa.acme.test, not for mail.acme.test; besides,"
        " its chain ends at “Acme CA”, which this machine does not trust."
    )


def test_a_reason_that_cannot_be_seen_in_the_certificate_is_given_in_the_systems_words() -> None:
    assert said(certificate(), code=REVOKED, reason="The certificate is revoked.".rstrip(".")) == (
        "The certificate of mail.acme.test is not trusted: The certificate is revoked."
    )


def test_an_issuer_that_has_expired_is_named() -> None:
    issuing = certificate("Acme CA", "Acme Root", (), ends=NOW - timedelta(days=3))
    assert said(certificate(), issuing, code=10) == (
        "The certificate of mail.acme.test is not trusted: the certificate of its issuer “Acme CA” expired on"
        " 2026-02-27, 3 days ago."
    )


def test_a_root_that_has_expired_unseen_is_told_in_the_librarys_words() -> None:
    assert said(certificate(), code=10, reason="certificate has expired") == (
        "The certificate of mail.acme.test is not trusted: certificate has expired."
    )


def test_sha1_counts_in_the_chain_and_not_in_the_root(tmp_path: Path) -> None:
    """Made by OpenSSL, since the library here signs nothing with SHA-1."""

    def openssl(*arguments: str) -> None:
        command = ["openssl", *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)  # noqa: S603 (all ours)

    key = ("-newkey", "rsa:2048", "-nodes", "-keyout")
    openssl("req", "-x509", *key, "ca.key", "-subj", "/CN=Acme CA", "-sha1", "-days", "30", "-out", "ca.pem")
    openssl("req", *key, "own.key", "-subj", f"/CN={HOST}", "-out", "own.csr")
    signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    openssl("x509", "-req", "-in", "own.csr", *signer, "-sha1", "-days", "30", "-out", "own.pem")
    own, root = (x509.load_pem_x509_certificate((tmp_path / name).read_bytes()) for name in ("own.pem", "ca.pem"))
    presented = Presented(at=datetime.now(UTC), chain=(own, root), tls_version="TLSv1.2")
    assert judge(HOST, presented, code=68, reason="CA signature digest algorithm too weak").text == (
        "The certificate of mail.acme.test is not trusted: it is signed with SHA-1, which is too weak."
    )


def test_a_certificate_that_could_not_be_looked_at_is_told_by_the_reason_alone() -> None:
    unseen = judge(HOST, None, code=20, reason="unable to get local issuer certificate")
    assert unseen.faults == (Fault.OTHER,)
    assert unseen.text == ("The certificate of mail.acme.test is not trusted: unable to get local issuer certificate.")
    assert judge(HOST, None, code=None, reason="NO_CIPHERS").text == (
        "No secure connection with mail.acme.test: NO_CIPHERS."
    )


@pytest.mark.parametrize(("version", "spoken"), [("SSLv3", "SSL 3.0"), ("TLSv1", "TLS 1.0"), ("TLSv1.1", "TLS 1.1")])
def test_old_versions_are_called_by_their_names(version: str, spoken: str) -> None:
    assert said(certificate(), code=None, version=version) == (
        f"No secure connection with mail.acme.test: it speaks {spoken} at most, and at least TLS 1.2 is needed."
    )


def test_many_names_are_cut_and_none_are_called_so() -> None:
    many = certificate(hosts=tuple(f"m{number}.acme.test" for number in range(9)))
    assert "it is for m0.acme.test, m1.acme.test, m2.acme.test, m3.acme.test, m4.acme.test and 4 more, not" in said(
        many, code=62
    )
    assert "it is for no host at all, not for mail.acme.test" in said(certificate("", hosts=()), code=62)


def test_what_a_stranger_wrote_is_made_fit_to_be_shown() -> None:
    text = said(certificate(issuer="Evil\x1b[31m\nCA" + "A" * 40), code=20)
    assert "“Evil?[31m?CA" in text
    assert text.isprintable()


@pytest.mark.parametrize(
    ("name", "host", "fit"),
    [
        ("mail.acme.test", "mail.acme.test", True),
        ("MAIL.acme.test", "mail.Acme.test.", True),
        ("*.acme.test", "mail.acme.test", True),
        ("*.acme.test", "acme.test", False),
        ("*.acme.test", "a.mail.acme.test", False),
        ("*.test", "acme.test", False),
        ("m*.acme.test", "mail.acme.test", False),
        ("127.0.0.1", "127.0.0.1", False),
    ],
)
def test_a_name_is_for_a_host_or_not(name: str, host: str, fit: bool) -> None:
    """The last: an address written as a DNS name is none."""
    assert fits(certificate(hosts=(name,)), host) is fit


def test_the_common_name_counts_only_without_alternative_names() -> None:
    assert names(certificate("old.acme.test", hosts=())) == ("old.acme.test",)
    assert names(certificate("old.acme.test")) == (HOST,)


@pytest.mark.parametrize(
    ("issuer", "product"),
    [
        ("O=Zscaler Inc., CN=Zscaler Intermediate Root CA (zscalertwo.net)", "Zscaler"),
        ("Fortinet, Certificate Authority, FG100E, support@fortinet.com", "Fortinet FortiGate"),
        ("DO_NOT_TRUST_FiddlerRoot", "Fiddler"),
        ("ca.acme.goskope.com", "Netskope"),
        ("Acme SSL Inspection CA 2", "an appliance for SSL inspection"),
        ("Acme Issuing CA 1", ""),
        ("DigiCert TLS RSA SHA256 2020 CA1", ""),
    ],
)
def test_inspecting_products_are_known_by_their_authorities(issuer: str, product: str) -> None:
    assert inspector([issuer]) == product
