"""What the lab demands as channel binding, against the `openssl` command and a struct written by hand."""

import hashlib
import shutil
import ssl
import struct
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from rainbow_exchange.lab.exchange.binding import Verdict, compared, expected, own_certificate, tolerated

OPENSSL = shutil.which("openssl")


def run(*arguments: str) -> bytes:
    assert OPENSSL is not None
    ran = subprocess.run([OPENSSL, *arguments], capture_output=True, check=True, timeout=90)  # noqa: S603  (openssl)
    return ran.stdout


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed (apt-get install openssl)")
@pytest.mark.parametrize(
    ("made", "digest"),
    [
        ("rsa:2048 -sha1", "sha256"),  # RFC 5929: SHA-256 in place of MD5 and SHA-1
        ("rsa:2048 -sha256", "sha256"),
        ("rsa:2048 -sha512", "sha512"),
        ("ec -pkeyopt ec_paramgen_curve:P-384 -sha384", "sha384"),
        ("rsa:2048 -sha384 -sigopt rsa_padding_mode:pss", "sha384"),
        ("ed25519", "sha256"),  # names no hash of its own
    ],
)
def test_the_hash_is_that_of_the_certificates_signature(tmp_path: Path, made: str, digest: str) -> None:
    key, pem, der = (str(tmp_path / name) for name in ("key.pem", "cert.pem", "cert.der"))
    run("req", "-x509", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", pem, "-newkey", *made.split())
    run("x509", "-in", pem, "-outform", "DER", "-out", der)
    hashed = bytes.fromhex(run("dgst", f"-{digest}", "-r", der).split()[0].decode())
    struct_of_gss = bytes(16) + struct.pack("<I", 21 + len(hashed)) + b"tls-server-end-point:" + hashed
    by_hand = hashlib.md5(struct_of_gss, usedforsecurity=False).digest()
    assert expected(Path(der).read_bytes()) == by_hand
    assert compared(by_hand, expected(Path(der).read_bytes())) == "right"


def test_what_was_sent_is_told_apart() -> None:
    own = bytes(range(16))
    assert compared(bytes(range(16)), own) == "right"
    assert compared(b"\1" * 16, own) == "wrong"
    assert compared(own[:8], own) == "wrong"
    assert compared(bytes(16), own) == "zero"
    assert compared(None, own) == "absent"
    assert compared(own, None) == "no TLS"


@pytest.mark.parametrize(
    ("level", "let_in"),
    [
        ("none", {"right", "wrong", "zero", "absent", "no TLS"}),
        ("allow", {"right", "absent", "no TLS"}),
        ("require", {"right"}),
    ],
)
def test_levels(level: str, let_in: set[str]) -> None:
    assert {verdict for verdict in get_args(Verdict) if tolerated(verdict, level)} == let_in


async def test_a_server_without_tls_has_no_certificate(wire: object) -> None:
    base: str = wire.lab.base  # type: ignore[attr-defined]  # the fixture's class is in no package
    host, _, port = base.removeprefix("http://").partition(":")
    with pytest.raises((ssl.SSLError, OSError)):
        await own_certificate(host, int(port))
