"""What is wrong with a certificate or a proxy, as a sentence and the next step in the settings' own words. Pure."""

from typing import Literal

from rainbow_exchange.network.proxy import ProxyFault, ProxyTrouble
from rainbow_exchange.network.verdict import Fault, Verdict, listed
from rainbow_exchange.words import _, sentences

Side = Literal["exchange", "rainbow"]

#: what the service does by itself, each a sentence that the check leaves out
AGAIN = _("It is tried again by itself.")
TRIED_ONCE = _(
    "A wrong password is tried once only, over restarts too, so that the account is not locked;"
    " rainbow-exchange retry --all tries it once more."
)


def certificate_step(verdict: Verdict, side: Side, *, url: str = "exchange.url") -> str:
    """Say what to do about the most important thing that is wrong with a certificate, or with TLS at all.

    `url` is the setting that holds the address, where that is not Rainbow's.
    """
    return _exchange_step(verdict, url) if side == "exchange" else _rainbow_step(verdict)


def _exchange_step(verdict: Verdict, url: str) -> str:  # noqa: PLR0911  (one line per fault is the table)
    issuer, host = f"“{verdict.issuer}”", verdict.host
    match verdict.faults[0]:
        case Fault.INTERCEPTED:
            return _(
                "Have {product} leave connections to {host} alone, or trust its authority: put the"
                " certificate of {issuer} (PEM) into exchange.ca_file.",
                product=verdict.product,
                host=host,
                issuer=issuer,
            )
        case Fault.UNKNOWN_ISSUER:
            return _(
                "Put the certificate of {issuer} (PEM) into exchange.ca_file, or into this machine's"
                " store of trusted root authorities.",
                issuer=issuer,
            )
        case Fault.NO_INTERMEDIATE:
            return _(
                "If {issuer} is an intermediate authority, have the server send its certificate (on"
                " Windows: import it into the computer's Intermediate Certification Authorities). Or put"
                " the certificate of {issuer} (PEM) into exchange.ca_file.",
                issuer=issuer,
            )
        case Fault.SELF_SIGNED:
            return _(
                "Give the server a certificate of an authority that this machine trusts, or put this one"
                " (PEM) into exchange.ca_file (on Windows: import it into the computer's Trusted Root"
                " Certification Authorities)."
            )
        case Fault.OTHER_NAME:
            return _(
                "Use a name of the certificate in {url} ({names}), or have the certificate issued anew"
                " with {host} in it.",
                url=url,
                names=listed(verdict.names),
                host=host,
            )
        case Fault.PLAIN_HTTP:
            return _(
                "Check the port in {url}: 443 is usual for https. A proxy or balancer may end TLS before it.", url=url
            )
        case Fault.OTHER:
            return _("Check what the server, or a balancer in front of it, presents; `openssl s_client` shows it.")
        case fault:
            return _any_step(fault)


def _rainbow_step(verdict: Verdict) -> str:
    issuer, host = f"“{verdict.issuer}”", verdict.host
    match verdict.faults[0]:
        case Fault.INTERCEPTED | Fault.UNKNOWN_ISSUER | Fault.NO_INTERMEDIATE | Fault.SELF_SIGNED:
            what = verdict.product or _("A proxy or firewall")
            return _(
                "{host} has a certificate of a public authority. {what} on the way seems to open the"
                " connection: have it leave {host} alone, or put the certificate of {issuer} into this"
                " machine's store of trusted root authorities.",
                host=host,
                what=what,
                issuer=issuer,
            )
        case Fault.OTHER_NAME:
            return _("Check rainbow.url, and that this machine's DNS and the proxy lead to {host} itself.", host=host)
        case Fault.PLAIN_HTTP:
            return _("Check rainbow.url and its port: 443 is usual. A firewall may answer in Rainbow's place.")
        case Fault.OTHER:
            return _("Check what stands between this machine and Rainbow: an inspecting proxy or firewall.")
        case fault:
            return _any_step(fault)


def _any_step(fault: Fault) -> str:
    match fault:
        case Fault.EXPIRED:
            return _("Renew the certificate on the server, and assign the new one to its web service (IIS).")
        case Fault.NOT_YET_VALID:
            return _("Check this machine's clock; if it is right, the certificate was put to use too early.")
        case Fault.WEAK:
            return _("Have the certificate issued anew with a key of 2048 bits or more and SHA-256.")
        case _:
            return _("Switch TLS 1.2 on at the server, or have what stands in front of it offer TLS 1.2.")


def proxy_step(trouble: ProxyTrouble, side: Side) -> str:  # noqa: PLR0911  (one line per fault is the table)
    """Say what to do about a proxy."""
    url, account = _ADDRESS[side], _ACCOUNT[side]
    match trouble.fault:
        case ProxyFault.UNKNOWN_NAME | ProxyFault.UNREACHABLE | ProxyFault.NOT_A_PROXY:
            return _("Check {url} (host and port), and that the proxy runs.", url=url)
        case ProxyFault.CERTIFICATE:
            return _(
                "Write the address in {url} with http://, or have this machine trust the proxy's certificate.", url=url
            )
        case ProxyFault.WANTS_CREDENTIALS:
            return _("Check {account}.", account=account)
        case ProxyFault.REFUSES_CREDENTIALS:
            return sentences(
                _("Check {account}, then restart.", account=account), _AGAIN if trouble.again else TRIED_ONCE
            )
        case ProxyFault.OTHER_SCHEME:
            return _(
                "Have the proxy accept Basic from this machine, or let it through without sign-in; or run"
                " a local relay that signs in by these schemes (Px, Cntlm) and name that in {url}.",
                url=url,
            )
        case ProxyFault.SILENT:
            return _(
                "Check {url} (scheme, host and port), that the proxy runs and gets through, and the server behind it.",
                url=url,
            )
        case ProxyFault.FORBIDS:
            return _("Have the proxy's administrators allow this destination for this machine.")
        case _:
            return _(
                "Have the proxy's administrators look why; or list the host in NO_PROXY if {direct}.",
                direct=_DIRECT[side],
            )


_ADDRESS = {
    "exchange": "exchange.proxy_url",
    "rainbow": _("rainbow.proxy_url (or HTTPS_PROXY, where that is not set)"),
}
_ACCOUNT = {
    "exchange": _("user name and password in exchange.proxy_url (as a variable, or in exchange.proxy_url_file)"),
    "rainbow": _("rainbow.proxy_username and rainbow.proxy_password"),
}
_AGAIN = _(
    "They had worked before: they are tried again after 1 minute, then hourly; at once by rainbow-exchange retry --all."
)
_DIRECT = {
    "exchange": _("this machine reaches it directly, or take exchange.proxy_url out"),
    "rainbow": _("this machine reaches it directly"),
}
