"""The certificate of the Exchange server as each connection shows it: when it ends, and who issued it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography import x509

from rainbow_exchange.network.certificate import called, everything_named
from rainbow_exchange.network.inspectors import inspector
from rainbow_exchange.words import _

log = structlog.get_logger()

_DAY = timedelta(days=1)
#: days that are left at most → severity
_SEVERITIES = ((1, "error"), (7, "warning"), (14, "notice"), (30, "notice"))


@dataclass(frozen=True, slots=True)
class Warned:
    """A problem to be reported."""

    severity: str
    text: str
    action: str


class CertificateWatch:
    """Knows the end of the certificate that `shown` gives (DER; None: not seen yet, or no TLS).

    `verified` tells whether certificates are verified at all.
    """

    def __init__(
        self, shown: Callable[[], bytes | None], *, host: str, verified: bool, now: Callable[[], datetime]
    ) -> None:
        self._shown = shown
        self._host = host
        self._verified = verified
        self._now = now
        self._read: bytes | None = None
        self._ends: datetime | None = None
        self._issuer: x509.Name | None = None
        self._announced: int | None = None

    def ends(self) -> datetime | None:
        """When the certificate that was seen last is valid no more."""
        self._look()
        return self._ends

    def _look(self) -> None:
        der = self._shown()
        if der is self._read:
            return
        self._read, self._announced, self._ends, self._issuer = der, None, None, None
        if der is None:
            return
        try:
            certificate = x509.load_der_x509_certificate(der)
            self._ends, self._issuer = certificate.not_valid_after_utc, certificate.issuer
        except ValueError:  # the TLS library is content with what this one cannot read
            log.debug("exchange_certificate_unreadable", host=self._host)

    def ending(self) -> Warned | None:
        """Say that it ends within 30 days, or has ended; None while it does not. Logged at 30, 14, 7 and 1 days."""
        ends = self.ends()
        if ends is None:
            return None
        left = (ends - self._now()) / _DAY
        days, severity = next(((days, severity) for days, severity in _SEVERITIES if left <= days), (None, ""))
        if days is None:
            return None
        when = _("on {ends:%Y-%m-%d at %H:%M} UTC", ends=ends)
        whole = math.ceil(left)
        if days != self._announced:
            self._announced = days
            log.warning("exchange_certificate_ends", host=self._host, ends=ends.isoformat(), days_left=max(0, whole))
        how = (
            _("has expired {when}", when=when)
            if left <= 0
            else _("expires {when}, in 1 day", when=when)
            if whole == 1
            else _("expires {when}, in {days} days", when=when, days=whole)
        )
        return Warned(
            severity,
            _("The certificate of {host} {how}. Without a valid one nothing works.", host=self._host, how=how),
            _(
                "Have it renewed, and the new one assigned to the web service (IIS) of each Exchange server"
                " and balancer."
            ),
        )

    def intercepted(self) -> Warned | None:
        """Say that something on the way opens TLS, and is trusted, where its issuer gives it away."""
        self._look()
        product = inspector([everything_named(self._issuer)]) if self._issuer is not None else ""
        if self._issuer is None or not product:
            return None
        return Warned(
            "notice",
            _(
                "The certificate of {host} was issued by “{issuer}”. This looks like an intercepting proxy"
                " ({product}), which sees the password of the Exchange account, and all calendars.",
                host=self._host,
                issuer=called(self._issuer),
                product=product,
            ),
            _(
                "Have it leave connections to {host} alone. With Extended Protection on, Exchange refuses"
                " sign-ins that come through it.",
                host=self._host,
            ),
        )

    def unverified(self) -> Warned | None:
        """Say that certificates are not verified, where they are not."""
        if self._verified:
            return None
        return Warned(
            "warning",
            _(
                "The certificate of {host} is not verified: anybody in between can read the password of the"
                " Exchange account, and all calendars.",
                host=self._host,
            ),
            _(
                "Take exchange.verify_certificates_insecurely_off out, name the authority's certificate in"
                " exchange.ca_file, and restart."
            ),
        )
