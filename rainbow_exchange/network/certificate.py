"""What a server's certificates say (RFC 5280) and whether they fit a host (RFC 6125); no I/O."""

import ipaddress
from collections.abc import Iterator, Sequence
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from rainbow_exchange.network.shown import shown
from rainbow_exchange.words import _

E = TypeVar("E", bound=x509.ExtensionType)

_LONGEST_NAME = 80
#: What OpenSSL's security level 2 asks for, which Python's contexts have (112 bits of security).
_LEAST_BITS: dict[type[rsa.RSAPublicKey | dsa.DSAPublicKey | ec.EllipticCurvePublicKey], tuple[str, int]] = {
    rsa.RSAPublicKey: ("RSA", 2048),
    dsa.DSAPublicKey: ("DSA", 2048),
    ec.EllipticCurvePublicKey: (_("elliptic curve"), 224),
}
_WEAK_HASHES = {"md5": "MD5", "sha1": "SHA-1"}


def names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the host names and addresses that it is for; the common name only where it has no alternative names."""
    alternative = _extension(certificate, x509.SubjectAlternativeName)
    if alternative is not None:
        hosts: list[str] = alternative.get_values_for_type(x509.DNSName)
        found = [*hosts, *map(str, alternative.get_values_for_type(x509.IPAddress))]
        if found:
            return tuple(shown(name, _LONGEST_NAME) for name in found)
    return tuple(_values(certificate.subject, NameOID.COMMON_NAME))


def fits(certificate: x509.Certificate, host: str) -> bool:
    """Whether it is for `host`, a name or an address; a wildcard stands for one label, the first."""
    alternative = _extension(certificate, x509.SubjectAlternativeName)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return alternative is not None and address in alternative.get_values_for_type(x509.IPAddress)
    hosts = alternative.get_values_for_type(x509.DNSName) if alternative is not None else []
    return any(_same_host(name, host) for name in hosts or _values(certificate.subject, NameOID.COMMON_NAME))


def _same_host(name: str, host: str) -> bool:
    name, host = name.lower().rstrip("."), host.lower().rstrip(".")
    first, _, rest = name.partition(".")
    return name == host or (first == "*" and "." in rest and host.partition(".")[2] == rest)


def called(name: x509.Name) -> str:
    """Return the common name, else the unit or the organisation, of whoever is named."""
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME):
        for value in _values(name, kind):
            return value
    return _("(nobody named)")


def everything_named(name: x509.Name) -> str:
    """Return all that a name says, in one string."""
    return ", ".join(shown(str(part.value), _LONGEST_NAME) for part in name)


def path(chain: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Return the server's own certificate and, in order, those of its issuers, as far as they were sent."""
    found, rest = [chain[0]], list(chain[1:])
    while found[-1].issuer != found[-1].subject:
        above = next((each for each in rest if each.subject == found[-1].issuer), None)
        if above is None:
            break
        found.append(above)
        rest.remove(above)
    return tuple(found)


def is_root(certificate: x509.Certificate) -> bool:
    """Whether it names itself as its issuer."""
    return certificate.issuer == certificate.subject


def issuer_address(certificate: x509.Certificate) -> str | None:
    """Return where it says that its issuer's certificate can be had."""
    access = _extension(certificate, x509.AuthorityInformationAccess)
    for description in access or ():
        where = description.access_location
        if description.access_method == AuthorityInformationAccessOID.CA_ISSUERS and isinstance(
            where, x509.UniformResourceIdentifier
        ):
            return shown(where.value, _LONGEST_NAME)
    return None


def weakness(certificate: x509.Certificate) -> str | None:
    """Say what is too weak in its key or its signature; a root's own signature proves nothing and does not count."""
    try:
        key = certificate.public_key()
        used = certificate.signature_hash_algorithm
    except (ValueError, TypeError):  # an algorithm that the library does not know
        return None
    for kind, (algorithm, least) in _LEAST_BITS.items():
        if isinstance(key, kind):
            bits = key.key_size
            if bits < least:
                return _(
                    "has too weak a key ({algorithm}, {bits} bits; at least {least} are needed)",
                    algorithm=algorithm,
                    bits=bits,
                    least=least,
                )
    if used is not None and used.name in _WEAK_HASHES and not is_root(certificate):
        return _("is signed with {hash}, which is too weak", hash=_WEAK_HASHES[used.name])
    return None


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return None


def _values(name: x509.Name, kind: x509.ObjectIdentifier) -> Iterator[str]:
    for part in name.get_attributes_for_oid(kind):
        value = part.value
        yield shown(value if isinstance(value, str) else value.hex(), _LONGEST_NAME)
