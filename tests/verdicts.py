"""What the administrator reads of each certificate that a server may be found with.

Kind in the lab, whether its root is trusted, text, next step: literals, worked out by hand.
"""

from datetime import UTC, datetime, timedelta

from rainbow_exchange.lab.tls import Kind


def now() -> datetime:
    return datetime.now(UTC)


def day(**later: float) -> str:
    return f"{now() + timedelta(**later):%Y-%m-%d}"


EXPECTED: list[tuple[Kind, bool, str, str]] = [
    (
        "good",
        False,
        (
            "The certificate of 127.0.0.1 is not trusted: “Lab Issuing CA” in its chain was issued by “Lab Root"
            " CA”, which this machine does not trust."
        ),
        (
            "Put the certificate of “Lab Root CA” (PEM) into exchange.ca_file, or into this machine's store of"
            " trusted root authorities."
        ),
    ),
    (
        "unknown-ca",
        True,
        (
            "The certificate of 127.0.0.1 is not trusted: “Other Issuing CA” in its chain was issued by “Other"
            " Root CA”, which this machine does not trust."
        ),
        (
            "Put the certificate of “Other Root CA” (PEM) into exchange.ca_file, or into this machine's store of"
            " trusted root authorities."
        ),
    ),
    (
        "no-intermediate",
        True,
        (
            "The certificate of 127.0.0.1 is not trusted: it was issued by “Lab Issuing CA”, which this machine"
            " does not trust, and the server sends no certificate of that issuer (it can be had at"
            " http://pki.lab.test/issuing-ca.crt)."
        ),
        (
            "If “Lab Issuing CA” is an intermediate authority, have the server send its certificate (on Windows:"
            " import it into the computer's Intermediate Certification Authorities). Or put the certificate of"
            " “Lab Issuing CA” (PEM) into exchange.ca_file."
        ),
    ),
    (
        "self-signed",
        True,
        (
            "The certificate of 127.0.0.1 is not trusted: “127.0.0.1” issued it to itself (self-signed), and"
            " nobody vouches for it."
        ),
        (
            "Give the server a certificate of an authority that this machine trusts, or put this one (PEM) into"
            " exchange.ca_file (on Windows: import it into the computer's Trusted Root Certification Authorities)."
        ),
    ),
    (
        "intercepted",
        True,
        (
            "The certificate of 127.0.0.1 is not trusted: “Zscaler Intermediate Root CA (lab.test)” in its chain"
            " was issued by “Zscaler Root CA”, which this machine does not trust. This looks like an intercepting"
            " proxy: Zscaler."
        ),
        (
            "Have Zscaler leave connections to 127.0.0.1 alone, or trust its authority: put the certificate of “Zscaler"
            " Root CA” (PEM) into exchange.ca_file."
        ),
    ),
    (
        "expired",
        True,
        f"The certificate of 127.0.0.1 is not trusted: it expired on {day(days=-10, hours=-12)}, 10 days ago.",
        "Renew the certificate on the server, and assign the new one to its web service (IIS).",
    ),
    (
        "other-name",
        True,
        (
            "The certificate of 127.0.0.1 is not trusted: it is for exchange.lab.test, autodiscover.lab.test, not for"
            " 127.0.0.1."
        ),
        (
            "Use a name of the certificate in exchange.url (exchange.lab.test, autodiscover.lab.test), or have the"
            " certificate issued anew with 127.0.0.1 in it."
        ),
    ),
    (
        "weak-key",
        True,
        (
            "The certificate of 127.0.0.1 is not trusted: it has too weak a key (RSA, 1024 bits; at least 2048 are"
            " needed)."
        ),
        "Have the certificate issued anew with a key of 2048 bits or more and SHA-256.",
    ),
    (
        "old-tls",
        True,
        "No secure connection with 127.0.0.1: it speaks TLS 1.0 at most, and at least TLS 1.2 is needed.",
        "Switch TLS 1.2 on at the server, or have what stands in front of it offer TLS 1.2.",
    ),
]
