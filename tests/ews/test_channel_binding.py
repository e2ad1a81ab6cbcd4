"""Expected hashes come from the `openssl` command."""

import shutil
import subprocess
from pathlib import Path

import pytest

from rainbow_exchange.ews.channel_binding import server_end_point

RSA = ["-newkey", "rsa:2048"]
PSS = ["-sigopt", "rsa_padding_mode:pss"]


@pytest.fixture
def openssl() -> str:
    command = shutil.which("openssl")
    if command is None:
        pytest.skip("needs the openssl command")
    return command


@pytest.mark.parametrize(
    ("signed", "hashed"),
    [
        ([*RSA, "-sha1"], "-sha256"),
        ([*RSA, "-sha256"], "-sha256"),
        ([*RSA, "-sha512"], "-sha512"),
        (["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384"], "-sha384"),
        ([*RSA, *PSS, "-sha256"], "-sha256"),
        ([*RSA, *PSS, "-sha384"], "-sha384"),
        (["-newkey", "ed25519"], "-sha256"),
    ],
    ids=["rsa-sha1", "rsa-sha256", "rsa-sha512", "ecdsa-sha384", "pss-sha256", "pss-sha384", "ed25519"],
)
def test_the_hash_is_that_of_the_signature_and_sha256_for_weak_or_none(
    tmp_path: Path, openssl: str, signed: list[str], hashed: str
) -> None:
    made = [openssl, "req", "-x509", "-nodes", "-subj", "/CN=mail.acme.test", "-days", "2"]
    files = ["-keyout", str(tmp_path / "key"), "-outform", "DER", "-out", str(tmp_path / "certificate")]
    subprocess.run([*made, *signed, *files], check=True, capture_output=True)  # noqa: S603 (literals)
    digest = subprocess.run(  # noqa: S603 (literals)
        [openssl, "dgst", hashed, "-binary", str(tmp_path / "certificate")], check=True, capture_output=True
    ).stdout
    certificate = (tmp_path / "certificate").read_bytes()
    assert server_end_point(certificate) == b"tls-server-end-point:" + digest


def test_what_cannot_be_read_is_hashed_with_sha256() -> None:
    # sha256 of "x", as `printf x | openssl dgst -sha256` says
    expected = bytes.fromhex("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")
    assert server_end_point(b"x") == b"tls-server-end-point:" + expected
