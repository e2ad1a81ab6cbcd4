"""A certificate authority made up for one run of the lab, and the certificates that servers are found with (RFC 5280).

The authority is a root with an issuing authority below it, as companies have them; a server sends its own certificate
and that of the issuing authority.
"""

import ssl
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

Kind = Literal[
    "good",
    "expires-soon",
    "expired",
    "not-yet-valid",
    "other-name",
    "self-signed",
    "no-intermediate",
    "unknown-ca",
    "intercepted",
    "weak-key",
    "old-tls",
]
KINDS: tuple[str, ...] = get_args(Kind)

#: those that a running server can change to: the others need its protocol or its ciphers changed as well
_RENEWABLE: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind not in {"weak-key", "old-tls"})
_LOOPBACK = ("127.0.0.1", "localhost")
_OTHER_NAMES = ("exchange.lab.test", "autodiscover.lab.test")
_ISSUER_AT = "http://pki.lab.test/issuing-ca.crt"
#: kind → from and to when the server's certificate is valid, from now
_VALID = {
    "expires-soon": (timedelta(days=-360), timedelta(days=5, hours=12)),
    "expired": (timedelta(days=-375), timedelta(days=-10, hours=-12)),
    "not-yet-valid": (timedelta(days=3, hours=12), timedelta(days=368)),
}
_USUAL = (timedelta(days=-1), timedelta(days=365))
_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class _Issued:
    certificate: x509.Certificate
    key: _Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


class LabAuthority:
    """Issues certificates that whoever trusts `ca_file` trusts; the file is written into `folder`."""

    def __init__(self, folder: Path) -> None:
        self._root = _authority("Lab Root CA", "rainbow-exchange lab")
        self._issuing = _authority("Lab Issuing CA", "rainbow-exchange lab", self._root)
        self.ca_file = folder / "lab-ca.pem"
        self.ca_file.write_bytes(self._root.pem)

    @property
    def issuing_pem(self) -> bytes:
        """The certificate of the issuing authority below the root."""
        return self._issuing.pem

    def server_context(self, *names: str, kind: Kind = "good") -> ssl.SSLContext:
        """Make a server's context with a certificate for these names and addresses; by default those of loopback."""
        chain = self._chain(names or _LOOPBACK, kind)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if kind == "weak-key":
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        if kind == "old-tls":
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1
        _load(context, chain)
        return context

    def chain(self, kind: Kind) -> list[bytes]:
        """Make what a server with such a certificate sends, in DER, its own first."""
        return [each.certificate.public_bytes(Encoding.DER) for each in self._chain(_LOOPBACK, kind)]

    def renew(self, context: ssl.SSLContext, kind: str) -> None:
        """Give a server's context another certificate, for new connections. Raises ValueError for what cannot be."""
        for known in _RENEWABLE:
            if known == kind:
                _load(context, self._chain(_LOOPBACK, known))
                return
        raise ValueError(f"kind is one of {', '.join(_RENEWABLE)}")

    def client_context(self) -> ssl.SSLContext:
        """Make a client's context that trusts this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=str(self.ca_file))
        return context

    def _chain(self, names: Sequence[str], kind: Kind) -> list[_Issued]:  # noqa: PLR0911  (one per kind)
        """Make what the server sends, its own certificate first."""
        match kind:
            case "self-signed":
                return [_leaf(names, None)]
            case "unknown-ca":
                issuing = _authority("Other Issuing CA", "Another lab", _authority("Other Root CA", "Another lab"))
                return [_leaf(names, issuing), issuing]
            case "intercepted":
                root = _authority("Zscaler Root CA", "Zscaler Inc.")
                issuing = _authority("Zscaler Intermediate Root CA (lab.test)", "Zscaler Inc.", root)
                return [_leaf(names, issuing), issuing]
            case "no-intermediate":
                return [_leaf(names, self._issuing, issuer_at=_ISSUER_AT)]
            case "weak-key":
                key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  (the point)
                return [_leaf(names, self._issuing, key=key), self._issuing]
            case "other-name":
                return [_leaf(_OTHER_NAMES, self._issuing), self._issuing]
            case _:
                return [_leaf(names, self._issuing, valid=_VALID.get(kind, _USUAL)), self._issuing]


def undemanding_context() -> ssl.SSLContext:
    """Make the context of a client on this machine that takes the lab's Exchange whatever its certificate.

    What is wrong with that is for a connector to find out, and nobody else's trouble.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a server may be told to speak nothing newer
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context


def _authority(name: str, organisation: str, above: _Issued | None = None) -> _Issued:
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return _issued(
        _name(name, organisation),
        [(x509.BasicConstraints(ca=True, path_length=None), True), (usage, True)],
        above,
        key=ec.generate_private_key(ec.SECP256R1()),
        valid=(timedelta(days=-400), timedelta(days=3650)),
    )


def _leaf(
    names: Sequence[str],
    issuer: _Issued | None,
    *,
    valid: tuple[timedelta, timedelta] = _USUAL,
    key: _Key | None = None,
    issuer_at: str | None = None,
) -> _Issued:
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.SubjectAlternativeName([_general(name) for name in names]), False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
    ]
    if issuer_at is not None:
        where = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issuer_at)
        )
        extensions.append((x509.AuthorityInformationAccess([where]), False))
    own = key or ec.generate_private_key(ec.SECP256R1())
    return _issued(_name(names[0], "rainbow-exchange lab"), extensions, issuer, key=own, valid=valid)


def _issued(
    subject: x509.Name,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    issuer: _Issued | None,
    *,
    key: _Key,
    valid: tuple[timedelta, timedelta],
) -> _Issued:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + valid[0])
        .not_valid_after(now + valid[1])
    )
    above = key if issuer is None else issuer.key
    identified = [
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), False),
    ]
    for extension, critical in [*extensions, *identified]:
        builder = builder.add_extension(extension, critical=critical)
    return _Issued(builder.sign(above, SHA256()), key)


def _load(context: ssl.SSLContext, chain: Sequence[_Issued]) -> None:
    """Give a context its certificates; only files can be loaded."""
    key = chain[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with TemporaryDirectory(prefix="rainbow-exchange-lab-") as folder:
        file = Path(folder) / "server.pem"
        file.touch(mode=0o600)
        file.write_bytes(key + b"".join(each.pem for each in chain))
        context.load_cert_chain(file)


def _name(common: str, organisation: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
