"""What is wrong with a certificate or a proxy, as a sentence and the next step in the settings' own words. Pure."""

from typing import Literal

from rainbow_exchange.network.proxy import ProxyFault, ProxyTrouble
from rainbow_exchange.network.verdict import Fault, Verdict, listed

Side = Literal["exchange", "rainbow"]


def certificate_step(verdict: Verdict, side: Side, *, url: str = "exchange.url") -> str:
    """Say what to do about the most important thing that is wrong with a certificate, or with TLS at all.

    `url` is the setting that holds the address, where that is not Rainbow's.
    """
    return _exchange_step(verdict, url) if side == "exchange" else _rainbow_step(verdict)


def _exchange_step(verdict: Verdict, url: str) -> str:  # noqa: PLR0911  (one line per fault is the table)
    issuer, host = f"“{verdict.issuer}”", verdict.host
    match verdict.faults[0]:
        case Fault.INTERCEPTED:
            return (
                f"Have {verdict.product} leave connections to {host} alone, or trust its authority: put the certificate"
                f" of {issuer} (PEM) into exchange.ca_file."
            )
        case Fault.UNKNOWN_ISSUER:
            return (
                f"Put the certificate of {issuer} (PEM) into exchange.ca_file, or into this machine's store of trusted"
                " root authorities."
            )
        case Fault.NO_INTERMEDIATE:
            return (
                f"If {issuer} is an intermediate authority, have the server send its certificate (on Windows: import"
                " it into the computer's Intermediate Certification Authorities). Or put the certificate of"
                f" {issuer} (PEM) into exchange.ca_file."
            )
        case Fault.SELF_SIGNED:
            return (
                "Give the server a certificate of an authority that this machine trusts, or put this one (PEM) into"
                " exchange.ca_file (on Windows: import it into the computer's Trusted Root Certification Authorities)."
            )
        case Fault.OTHER_NAME:
            return (
                f"Use a name of the certificate in {url} ({listed(verdict.names)}), or have the certificate"
                f" issued anew with {host} in it."
            )
        case Fault.PLAIN_HTTP:
            return f"Check the port in {url}: 443 is usual for https. A proxy or balancer may end TLS before it."
        case Fault.OTHER:
            return "Check what the server, or a balancer in front of it, presents; `openssl s_client` shows it."
        case fault:
            return _any_step(fault)


def _rainbow_step(verdict: Verdict) -> str:
    issuer, host = f"“{verdict.issuer}”", verdict.host
    match verdict.faults[0]:
        case Fault.INTERCEPTED | Fault.UNKNOWN_ISSUER | Fault.NO_INTERMEDIATE | Fault.SELF_SIGNED:
            what = verdict.product or "A proxy or firewall"
            return (
                f"{host} has a certificate of a public authority. {what} on the way seems to open the connection: have"
                f" it leave {host} alone, or put the certificate of {issuer} into this machine's store of trusted root"
                " authorities."
            )
        case Fault.OTHER_NAME:
            return f"Check rainbow.url, and that this machine's DNS and the proxy lead to {host} itself."
        case Fault.PLAIN_HTTP:
            return "Check rainbow.url and its port: 443 is usual. A firewall may answer in Rainbow's place."
        case Fault.OTHER:
            return "Check what stands between this machine and Rainbow: an inspecting proxy or firewall."
        case fault:
            return _any_step(fault)


def _any_step(fault: Fault) -> str:
    match fault:
        case Fault.EXPIRED:
            return "Renew the certificate on the server, and assign the new one to its web service (IIS)."
        case Fault.NOT_YET_VALID:
            return "Check this machine's clock; if it is right, the certificate was put to use too early."
        case Fault.WEAK:
            return "Have the certificate issued anew with a key of 2048 bits or more and SHA-256."
        case _:
            return "Switch TLS 1.2 on at the server, or have what stands in front of it offer TLS 1.2."


def proxy_step(trouble: ProxyTrouble, side: Side) -> str:  # noqa: PLR0911  (one line per fault is the table)
    """Say what to do about a proxy."""
    url, account = _ADDRESS[side], _ACCOUNT[side]
    match trouble.fault:
        case ProxyFault.UNKNOWN_NAME | ProxyFault.UNREACHABLE | ProxyFault.NOT_A_PROXY:
            return f"Check {url} (host and port), and that the proxy runs."
        case ProxyFault.CERTIFICATE:
            return f"Write the address in {url} with http://, or have this machine trust the proxy's certificate."
        case ProxyFault.WANTS_CREDENTIALS:
            return f"Check {account}."
        case ProxyFault.REFUSES_CREDENTIALS:
            return f"Check {account}, then restart. {_AGAIN if trouble.again else _ONCE}"
        case ProxyFault.OTHER_SCHEME:
            return (
                "Have the proxy accept Basic from this machine, or let it through without sign-in; or run a local relay"
                f" that signs in by these schemes (Px, Cntlm) and name that in {url}."
            )
        case ProxyFault.SILENT:
            return (
                f"Check {url} (scheme, host and port), that the proxy runs and gets through, and the server behind it."
            )
        case ProxyFault.FORBIDS:
            return "Have the proxy's administrators allow this destination for this machine."
        case _:
            return f"Have the proxy's administrators look why; or list the host in NO_PROXY if {_DIRECT[side]}."


_ADDRESS = {
    "exchange": "exchange.proxy_url",
    "rainbow": "rainbow.proxy_url (or HTTPS_PROXY, where that is not set)",
}
_ACCOUNT = {
    "exchange": "user name and password in exchange.proxy_url (as a variable, or in exchange.proxy_url_file)",
    "rainbow": "rainbow.proxy_username and rainbow.proxy_password",
}
_ONCE = (
    "A wrong password is tried once only, over restarts too, so that the account is not locked; rainbow-exchange retry"
    " --all tries it once more."
)
_AGAIN = (
    "They had worked before: they are tried again after 1 minute, then hourly; at once by rainbow-exchange retry --all."
)
_DIRECT = {
    "exchange": "this machine reaches it directly, or take exchange.proxy_url out",
    "rainbow": "this machine reaches it directly",
}
