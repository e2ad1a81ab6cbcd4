"""Which mailboxes share a stream, and the headers that keep their requests on one back end.

Protocol: ews.md §3 "Affinity recipe"; Microsoft, "How to maintain affinity between a group of subscriptions and the
Mailbox server".
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from rainbow_exchange.ews.errors import EwsConnectionError, EwsError
from rainbow_exchange.model import Mailbox

GROUP_SIZE = 200  # subscription ids that one GetStreamingEvents may name
_MOST_COOKIES = 20
_LONGEST_COOKIE = 4096
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_COOKIE_VALUE = re.compile(r'[^\s";,\\\x00-\x1f\x7f]*|"[^\s";,\\\x00-\x1f\x7f]*"')
_HOST_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]*")
_LONGEST_HOST = 255


@dataclass(slots=True)
class Affinity:
    """The way of one group's requests: its anchor's address and its own jar of cookies.

    A jar is never shared between groups: the cookie of one would lead the other's requests to a foreign back end.
    """

    anchor: str
    cookies: dict[str, str] = field(default_factory=dict, repr=False)
    named: bool = True  # the anchor is an SMTP address, which a header may name
    front_end: str = ""  # the servers that the last answer came through
    back_end: str = ""

    @classmethod
    def to(cls, mailbox: Mailbox, cookies: dict[str, str] | None = None) -> "Affinity":
        """Lead to the server of `mailbox`."""
        return cls(mailbox.address, {} if cookies is None else cookies, named=mailbox.smtp is not None)

    def headers(self) -> dict[str, str]:
        """Return the headers that go with each request of the group."""
        headers = {"X-AnchorMailbox": self.anchor} if self.named else {}
        headers["X-PreferServerAffinity"] = "true"
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return headers

    def learn(self, set_cookies: Iterable[str]) -> None:
        """Take over the Set-Cookie headers of an answer; one with Max-Age=0 or no value is removed."""
        for header in set_cookies:
            pair, *attributes = header.split(";")
            name, _, value = (part.strip() for part in pair.partition("="))
            if len(pair) > _LONGEST_COOKIE or not (_COOKIE_NAME.fullmatch(name) and _COOKIE_VALUE.fullmatch(value)):
                continue
            ended = any(attribute.strip().lower().replace(" ", "") == "max-age=0" for attribute in attributes)
            if ended or not value:
                self.cookies.pop(name, None)
            elif name in self.cookies or len(self.cookies) < _MOST_COOKIES:
                self.cookies[name] = value

    def answered(self, header: Callable[[str], str | None]) -> None:
        """Note which servers an answer came through, by its headers or else by the cookie that binds to a back end."""
        bound = self.cookies.get("X-BackEndOverrideCookie", "").partition("~")[0]
        self.front_end = _host(header("X-FEServer"))
        self.back_end = _host(header("X-CalculatedBETarget")) or _host(header("X-BEServer")) or _host(bound)

    def failed(self, error: EwsError) -> None:
        """Take a failure into account: after a 5xx the cookies may lead to a back end that is gone."""
        if isinstance(error, EwsConnectionError) and error.kind.startswith("http-5"):
            self.cookies.clear()


class Gathering(Protocol):
    """A group as far as the choice of a place needs to know it."""

    @property
    def key(self) -> str:
        """Only mailboxes of one key may share a stream (a site, a URL)."""
        ...

    @property
    def room(self) -> int:
        """How many may still join."""
        ...


G = TypeVar("G", bound=Gathering)


def place_for(key: str, groups: Iterable[G], gathering: G | None) -> G | None:
    """Choose the group that a newcomer joins: the one that gathers already, else the emptiest with room, else None.

    Newcomers gather in one group, so that their coming disturbs one stream and not each.
    """
    if gathering is not None and gathering.key == key and gathering.room > 0:
        return gathering
    fitting = [group for group in groups if group.key == key and group.room > 0]
    return max(fitting, key=lambda group: group.room, default=None)


def server_name(subscription_id: str) -> str | None:
    """Return the mailbox server that an id names: base64 of a two-byte length (little endian) and the FQDN; else None.

    Ids of one stream should show one server (ews.md §0.6); other software's ids show none.
    """
    try:
        raw = b64decode(subscription_id, validate=True)
    except (binascii.Error, ValueError):
        return None
    length = int.from_bytes(raw[:2], "little")
    name = raw[2 : 2 + length]
    if length and len(name) == length and _HOST_NAME.fullmatch(name):
        return name.decode("ascii").lower()
    return None


def _host(name: str | None) -> str:
    """Give a server's name in lower case, "" for what is none."""
    raw = (name or "").strip().encode("ascii", "replace")
    return raw.decode().lower() if len(raw) <= _LONGEST_HOST and _HOST_NAME.fullmatch(raw) else ""
