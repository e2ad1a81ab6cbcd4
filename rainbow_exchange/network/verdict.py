"""Why a connection is not secure, in words that name the certificate, the issuer, the dates; no I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509

from rainbow_exchange.network import certificate as read
from rainbow_exchange.network.inspectors import inspector
from rainbow_exchange.network.proxy import ProxyTrouble
from rainbow_exchange.network.shown import few
from rainbow_exchange.words import Said, _, joined, sentences

_MOST_NAMES = 5
#: Codes of verification that say that no trusted issuer was found: OpenSSL's X509_V_ERR_…, and Windows' CERT_E_….
_BY_WINDOWS = {0x800B0109, 0x800B010A}
_NO_ISSUER = {2, 18, 19, 20, 21} | _BY_WINDOWS
#: Those that say the certificate's dates, host or strength are wrong, all of which can be seen in it.
_SEEN = {9, 10, 62, 64, 66, 67, 68, 0x800B0101, 0x800B010F}
_OLD = {"SSLv3": "SSL 3.0", "TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1"}


class Fault(StrEnum):
    """What is wrong; what to do about it depends on the side."""

    UNKNOWN_ISSUER = "unknown issuer"
    NO_INTERMEDIATE = "no intermediate"
    SELF_SIGNED = "self-signed"
    INTERCEPTED = "intercepted"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    OTHER_NAME = "other name"
    WEAK = "weak"
    OLD_TLS = "old TLS"
    PLAIN_HTTP = "plain HTTP"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What a server showed at `at`: its certificates, its own first, and the TLS version; or that it speaks no TLS."""

    at: datetime
    chain: tuple[x509.Certificate, ...] = ()
    tls_version: str = ""
    plain_http: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong, most important first, and the sentence for it. `issuer` is whom one would have to trust."""

    faults: tuple[Fault, ...]
    text: str
    host: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    product: str = ""


#: What is known of a way that is not open.
Why = Verdict | ProxyTrouble


@dataclass(frozen=True, slots=True)
class _Finding:
    fault: Fault
    clause: str


def judge(  # noqa: PLR0911  (one way out for each kind of failure)
    host: str,
    presented: Presented | None,
    *,
    code: int | None,
    reason: str,
    before: x509.Certificate | None = None,
) -> Verdict:
    """Say why TLS with `host` failed with verification's `code` (None: it did not come so far) and `reason`.

    `before` is the certificate that was trusted last.
    """
    if presented is None and code is None:
        return Verdict(
            faults=(Fault.OTHER,),
            text=_("No secure connection with {host}: {reason}.", host=host, reason=reason),
            host=host,
        )
    if presented is None:
        return Verdict(faults=(Fault.OTHER,), text=_distrusted(host, reason), host=host)
    if presented.plain_http:
        text = _("{host} does not speak TLS at this port, but plain HTTP.", host=host)
        return Verdict(faults=(Fault.PLAIN_HTTP,), text=text, host=host)
    if code is None and presented.tls_version in _OLD:
        spoken = _OLD[presented.tls_version]
        text = _(
            "No secure connection with {host}: it speaks {spoken} at most, and at least TLS 1.2 is needed.",
            host=host,
            spoken=spoken,
        )
        return Verdict(faults=(Fault.OLD_TLS,), text=text, host=host)
    if not presented.chain:
        return judge(host, None, code=code, reason=reason)
    path = read.path(presented.chain)
    weak = list(_weaknesses(path))
    if code is None:
        if weak:
            return Verdict(faults=(Fault.WEAK,), text=_distrusted(host, weak[0].clause), host=host)
        return judge(host, None, code=None, reason=reason)
    found = [*_dates(path, presented.at), *_other_name(path[0], host), *weak]
    verdict = _verdict(host, path, found, code, reason)
    if before is None or code not in _NO_ISSUER or before.issuer == path[0].issuer:
        return verdict
    issuer = read.called(before.issuer)
    return replace(verdict, text=sentences(verdict.text, _("Before, it was one issued by “{issuer}”.", issuer=issuer)))


def _verdict(host: str, path: Sequence[x509.Certificate], found: list[_Finding], code: int, reason: str) -> Verdict:
    top = path[-1]
    product = inspector(read.everything_named(each.issuer) for each in path)
    findings = list(found)
    if code in _NO_ISSUER:
        # Windows blames the issuer even where a file vouches for it and only the rest is wrong: the rest comes first.
        findings.insert(len(found) if code in _BY_WINDOWS else 0, _no_issuer(path))
    elif not found or code not in _SEEN:
        findings.insert(0, _Finding(Fault.OTHER, reason))
    text = _distrusted(host, _besides([finding.clause for finding in findings]))
    faults = [finding.fault for finding in findings]
    if product and code in _NO_ISSUER:
        faults.insert(0, Fault.INTERCEPTED)
        text = sentences(text, _("This looks like an intercepting proxy: {product}.", product=product))
    return Verdict(
        faults=tuple(faults),
        text=text,
        host=host,
        issuer=read.called(top.issuer),
        names=read.names(path[0]),
        product=product,
    )


def _besides(clauses: list[str]) -> str:
    said = clauses[0]
    for clause in clauses[1:]:
        said = _("{said}; besides, {clause}", said=said, clause=clause)
    return said


def _distrusted(host: str, why: str) -> str:
    return _("The certificate of {host} is not trusted: {why}.", host=host, why=why)


def _no_issuer(path: Sequence[x509.Certificate]) -> _Finding:
    """Name the topmost issuer, which is the one that is not trusted."""
    own, top = path[0], path[-1]
    issuer = f"“{read.called(top.issuer)}”"
    if read.is_root(top):
        if top is own:
            return _Finding(
                Fault.SELF_SIGNED,
                _("{issuer} issued it to itself (self-signed), and nobody vouches for it", issuer=issuer),
            )
        return _Finding(
            Fault.UNKNOWN_ISSUER, _("its chain ends at {issuer}, which this machine does not trust", issuer=issuer)
        )
    if top is own:
        where = read.issuer_address(own)
        had = _(" (it can be had at {where})", where=where) if where else ""
        clause = _(
            "it was issued by {issuer}, which this machine does not trust, and the server sends no"
            " certificate of that issuer{had}",
            issuer=issuer,
            had=had,
        )
        return _Finding(Fault.NO_INTERMEDIATE, clause)
    below = read.called(top.subject)
    return _Finding(
        Fault.UNKNOWN_ISSUER,
        _(
            "“{below}” in its chain was issued by {issuer}, which this machine does not trust",
            below=below,
            issuer=issuer,
        ),
    )


def _dates(path: Sequence[x509.Certificate], now: datetime) -> Iterator[_Finding]:
    for each in path:
        whose = _whose(each, path)
        begins, ends = each.not_valid_before_utc, each.not_valid_after_utc
        if now > ends:
            yield _Finding(
                Fault.EXPIRED,
                _("{whose} expired on {ends:%Y-%m-%d}, {time} ago", whose=whose, ends=ends, time=_long(now - ends)),
            )
        elif now < begins:
            yield _Finding(
                Fault.NOT_YET_VALID,
                _(
                    "{whose} is not valid before {begins:%Y-%m-%d}, in {time}; this machine's clock says"
                    " {now:%Y-%m-%d %H:%M} UTC",
                    whose=whose,
                    begins=begins,
                    time=_long(begins - now),
                    now=now,
                ),
            )


def _other_name(own: x509.Certificate, host: str) -> Iterator[_Finding]:
    if not read.fits(own, host):
        yield _Finding(
            Fault.OTHER_NAME, _("it is for {names}, not for {host}", names=listed(read.names(own)), host=host)
        )


def _weaknesses(path: Sequence[x509.Certificate]) -> Iterator[_Finding]:
    for each in path:
        if weakness := read.weakness(each):
            yield _Finding(Fault.WEAK, joined(" ", (_whose(each, path), weakness)))


def _whose(certificate: x509.Certificate, path: Sequence[x509.Certificate]) -> Said:
    """Say which of a path it is: the server's own, or that of an issuer."""
    if certificate is path[0]:
        return _("it")
    return _("the certificate of its issuer “{subject}”", subject=read.called(certificate.subject))


def listed(names: Sequence[str]) -> str:
    """Write names as one reads them, no more than a few."""
    return few(names, _MOST_NAMES) or _("no host at all")


def _long(time: timedelta) -> str:
    days = time.days
    return _("less than a day") if days < 1 else _("1 day") if days == 1 else _("{days} days", days=days)
