"""What ties a sign-in to its TLS connection: the channel binding tls-server-end-point (RFC 5929 §4).

A server with Extended Protection compares it with its own certificate, so that a proof cannot be passed on to it from
another connection. Kerberos and NTLM carry its hash: RFC 4121 §4.1.1.2, and [MS-NLMP] §2.2.2.1 (MsvAvChannelBindings).
"""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

_WEAK = (hashes.MD5, hashes.SHA1)


def server_end_point(certificate: bytes) -> bytes:
    """Return the binding's application data for a server's certificate (DER)."""
    digest = hashes.Hash(_algorithm(certificate))
    digest.update(certificate)
    return b"tls-server-end-point:" + digest.finalize()


def _algorithm(certificate: bytes) -> hashes.HashAlgorithm:
    """Give the hash of the certificate's signature; SHA-256 in place of MD5 and SHA-1, and where there is none."""
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):  # stricter than TLS, which has taken it
        algorithm = None
    return hashes.SHA256() if algorithm is None or isinstance(algorithm, _WEAK) else algorithm
