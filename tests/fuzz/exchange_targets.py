"""What Exchange and its autodiscover may send: streams, answers of each operation, refusals, tokens."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any

from lxml import etree

from rainbow_exchange.bridge.privacy import Privacy, PrivacyRules
from rainbow_exchange.bridge.translate import auto_reply, shown
from rainbow_exchange.errors import UserError
from rainbow_exchange.ews.autodiscover import Autodiscover
from rainbow_exchange.ews.calendar import read_availability, read_calendar_view
from rainbow_exchange.ews.discovery.outcome import Located, Outcome, RedirectAddress, RedirectUrl
from rainbow_exchange.ews.discovery.places import domain_of, host_of, place_at, trust
from rainbow_exchange.ews.discovery.search import Search
from rainbow_exchange.ews.endpoint import check_url, is_web_page, refusal
from rainbow_exchange.ews.errors import EwsError, MalformedResponse, ResponseError
from rainbow_exchange.ews.event_stream import EventStream
from rainbow_exchange.ews.operations import (
    get_password_expiration_date,
    get_service_configuration,
    get_streaming_events,
    resolve_names,
    subscribe,
    unsubscribe,
)
from rainbow_exchange.ews.operations.get_user_settings import GetUserSettings
from rainbow_exchange.ews.operations.pox_autodiscover import PoxAutodiscover
from rainbow_exchange.ews.out_of_office import mail_tips_limit, read_mail_tips, read_oof_settings
from rainbow_exchange.ews.plain_text import plain
from rainbow_exchange.ews.soap import open_envelope
from rainbow_exchange.ews.tokens import TokenSource, _json
from rainbow_exchange.ews.treatment import treatment
from rainbow_exchange.model import Agenda, Mailbox, Window
from rainbow_exchange.network.challenges import schemes
from tests.fuzz import json_mutations, text_mutations, xml_mutations
from tests.fuzz.target import Mutate, Past, Run, Target, finished

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("RAINBOW_EXCHANGE_SHARED") or ROOT.parent / "shared") / "ews" / "samples"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WINDOW = Window(start=NOW - timedelta(days=1), end=NOW + timedelta(days=8))
ADDRESSES = ("ada@acme.test", "bob@acme.test", "cleo@acme.test", "dan@acme.test", "eve@acme.test")


def answers(operation: str) -> tuple[bytes, ...]:
    """Our own answers of an operation, and those of real servers where the folder with them is there."""
    known_as = "".join(word.title() for word in operation.split("_"))
    recorded = {"PoxAutodiscover": "POX_Autodiscover"}.get(known_as, known_as)
    own = [
        *sorted((ROOT / "fixtures" / "ews").glob(f"*/{operation}/*.xml")),
        *sorted(SHARED.glob(f"{recorded}__*.xml")),
    ]
    faults = [] if operation == "pox_autodiscover" else sorted(SHARED.glob("Fault__*.xml"))
    files = [*own, *own, *own, *faults]  # faults are alike for all of them
    return tuple(path.read_bytes() for path in files)


class Canned:
    """Gives one answer to whatever is called, read by the operation itself."""

    def __init__(self, body: etree._Element) -> None:
        self._body = body
        self._read: Any = None

    async def call(self, operation: Any, **_: Any) -> Any:
        self._read = self._read or operation.parse(self._body)  # once: the answers are all alike
        return self._read


def opened(data: bytes, past: Past) -> etree._Element:
    """Open an envelope as the client does. A fault is an envelope, too."""
    try:
        body = open_envelope(data).body_element
    except ResponseError as error:
        past()
        treatment(error)
        raise
    past()
    return body


def stream(data: bytes, past: Past, random: Random) -> None:
    """In pieces of any size."""
    reader = EventStream()
    size = random.choice((len(data) + 1, 1 + len(data) // 3, 1 + len(data) // 20))
    for start in range(0, len(data), size):
        if reader.feed(data[start : start + size]):
            past()
    reader.close()


def _told(agenda: Agenda) -> None:
    """Say of a calendar what Rainbow would be told."""
    for privacy in Privacy:
        shown(agenda, WINDOW, now=NOW, rules=PrivacyRules(), privacy=privacy)


def find_item(data: bytes, past: Past, _: Random) -> None:
    caller = Canned(opened(data, past))
    _told(finished(read_calendar_view(caller, Mailbox(address="a@b.test"), WINDOW, impersonate=True, read_at=NOW)))


def availability(data: bytes, past: Past, random: Random) -> None:
    caller = Canned(opened(data, past))
    count = random.choice((1, 1, 5, 5, random.randrange(1, 6)))
    for found in finished(read_availability(caller, ADDRESSES[:count], WINDOW, read_at=NOW)).values():
        if isinstance(found, Agenda):
            _told(found)
        else:
            treatment(found)


def mail_tips(data: bytes, past: Past, random: Random) -> None:
    caller, count = Canned(opened(data, past)), random.randrange(1, 6)
    finished(read_mail_tips(caller, ADDRESSES[:count], sending_as="ada@acme.test", impersonate=None))


def oof_settings(data: bytes, past: Past, _: Random) -> None:
    caller = Canned(opened(data, past))
    auto_reply(finished(read_oof_settings(caller, Mailbox(address="a@b.test"), impersonate=True)), now=NOW)


def service_configuration(data: bytes, past: Past, _: Random) -> None:
    body = opened(data, past)
    finished(mail_tips_limit(Canned(body)))
    get_service_configuration.parse(body)


def parsed_by(parse: Any) -> Any:
    """An operation of which the parser is all there is."""

    def run(data: bytes, past: Past, _: Random) -> None:
        parse(opened(data, past))

    return run


def _followed(outcome: Outcome) -> None:
    """Do with what autodiscover says what is done before anybody is asked again."""
    match outcome:
        case Located() as located:
            places = [*located.urls, located.group_key]
        case RedirectUrl(url=url):
            places = [url]
        case RedirectAddress(address=address):
            domain_of(address)
            places = []
        case _:
            places = []
    for url in places:
        host_of(url)
        try:
            check_url(url)
        except UserError:
            continue
        place_at(url)


def user_settings(data: bytes, past: Past, random: Random) -> None:
    count = random.choice((1, 3, 3))
    opened(data, past)
    for outcome in GetUserSettings(addresses=ADDRESSES[:count], url="https://a.test/").read(data).values():
        _followed(outcome)


def pox(data: bytes, past: Past, _: Random) -> None:
    try:
        outcome = PoxAutodiscover.read(data)
    except MalformedResponse as error:
        if "with the action" in str(error):
            past()
        raise
    past()
    _followed(outcome)


def redirected(data: bytes, _past: Past, _: Random) -> None:
    """A Location header, followed as far as one goes without a network."""
    target = data.decode("utf-8", "replace")
    nobody = Autodiscover(logins=_no_logins, trust=trust(["acme.test"], []), url=None, records=None)
    finished(nobody._follow("https://autodiscover.acme.test/x", target, "ada@acme.test", Search()))


def _no_logins(server: str) -> Any:
    raise EwsError(server)


def oof_text(data: bytes, _past: Past, _: Random) -> None:
    """An out-of-office message: HTML as Word writes it."""
    text = data.decode("utf-8", "replace")
    said = plain(text)
    if len(said) > 4 * len(text) + 100:
        raise AssertionError(f"{len(text)} characters became {len(said)}")


def http_refusal(data: bytes, _past: Past, random: Random) -> None:
    """An answer without SOAP: its status, its headers and the beginning of its body."""
    value = data.decode("latin-1")
    headers = {"Retry-After": value, "Location": value}
    is_web_page(data)
    schemes([value])
    error = refusal(random.choice((302, 404, 429, 503, 599, 999)), headers.get, host="a.test", now=lambda: NOW)
    if error.retry_after is not None and not isfinite(error.retry_after):
        raise AssertionError(f"to wait for {error.retry_after} seconds")


def token(data: bytes, past: Past, random: Random) -> None:
    """What an OAuth endpoint answers."""

    async def take() -> None:
        source = TokenSource(url="https://a.test/", client_id="c", client_secret="s", more={}, ssl=None)
        source._taken(random.choice((200, 200, 200, 400, 500)), said)

    said = _json(data)
    if said:
        past()
    asyncio.run(take())


_HEADERS = (
    b"120",
    b"Mon, 02 Mar 2026 09:02:00 GMT",
    b"Monday, 02-Mar-26 09:02:00 GMT",
    b'Negotiate, NTLM, Basic realm="mail.acme.test", Bearer client_id="x", trusted_issuers="y@*"',
    b"https://autodiscover.acme.test/autodiscover/autodiscover.xml?a=b",
    b"/owa/auth/logon.aspx?url=https%3a%2f%2fmail.acme.test",
)
_REDIRECTS = (
    b"https://acme.test/autodiscover/autodiscover.xml",
    b"https://autodiscover.acme.test:8443/autodiscover/autodiscover.svc",
    b"/autodiscover/autodiscover.xml",
    b"http://[2001:db8::1]/",
)
_TEXTS = tuple(
    text.encode()
    for text in (
        (
            "<html><head><title>Out</title><style>p {margin: 0}</style></head><body><p class=MsoNormal>I am away.<o:p>"
            "</o:p></p><p class=MsoNormal><b>Call</b> <span lang=FR>Zo\u00e9</span> &amp; co &lt;zoe@acme.test&gt;.</p>"
            "<table><tr><td>One</td><td>Two</td></tr></table><ul><li>a</li><li>b</li></ul></body></html>"
        ),
        "Away until Monday.\r\nBack then & there.\n",
        "<div><br>\n<font face=Calibri>Absent</font><!-- x --></div>",
    )
)
_TOKENS = tuple(
    json.dumps(said).encode()
    for said in (
        {
            "access_token": "eyJhbGciOi.eyJpYXQi.c2ln",
            "token_type": "bearer",
            "expires_in": 3600,
            "resource": "https://x/",
        },
        {"access_token": "abc", "expires_in": "3600"},
        {"error": "invalid_client", "error_description": "AADSTS7000215: wrong secret"},
    )
)


_TAGS = (b"<b>", b"</p>", b"<p>", b"<table><tr>", b"<li>", b"<!--", b"<head>", b"</html>", b"<x:y>", b"<html>")


def _html(data: bytes, random: Random, others: Any) -> bytes:
    """Like XML for whoever knows no better, and like text."""
    if random.randrange(4):
        for _ in range(random.choice((1, 3))):
            place = random.randrange(len(data) + 1)
            piece = random.choice(_TAGS)
            data = data[:place] + piece * random.choice((1, 1, 1, 40, 600)) + data[place:]
        return data
    return text_mutations.mutate_line(data, random, others)


def _streams() -> tuple[bytes, ...]:
    single = [data for data in answers("get_streaming_events") if b"GetStreamingEvents" in data]
    return (*single, b"".join(single[:3]), b"\r\n".join(single[2:5]), b"\xef\xbb\xbf" + single[0])


def _soap(name: str, run: Any, weight: int) -> Target:
    return Target(
        name=name, run=run, corpus=answers(name), mutate=xml_mutations.mutate, errors=(EwsError,), weight=weight
    )


def _of_headers(name: str, run: Run, corpus: tuple[bytes, ...], mutate: Mutate, *errors: type[Exception]) -> Target:
    """What is text of any kind, so that there is nothing to get past."""
    return Target(name=name, run=run, corpus=corpus, mutate=mutate, errors=errors, weight=2, parses=False)


TARGETS = (
    Target(
        name="event_stream",
        run=stream,
        corpus=_streams(),
        mutate=xml_mutations.mutate,
        errors=(EwsError,),
        weight=14,
    ),
    _soap("get_streaming_events", parsed_by(get_streaming_events.parse), 4),
    _soap("find_item", find_item, 8),
    _soap("get_user_availability", availability, 8),
    _soap("get_mail_tips", mail_tips, 5),
    _soap("get_user_oof_settings", oof_settings, 5),
    _soap("get_service_configuration", service_configuration, 3),
    _soap("get_password_expiration_date", parsed_by(get_password_expiration_date.parse), 3),
    _soap("resolve_names", parsed_by(resolve_names.parse), 3),
    _soap("subscribe", parsed_by(subscribe.parse), 3),
    _soap("unsubscribe", parsed_by(unsubscribe.parse), 3),
    _soap("get_user_settings", user_settings, 4),
    _soap("pox_autodiscover", pox, 4),
    _of_headers("redirect", redirected, _REDIRECTS, text_mutations.mutate_line, EwsError),
    _of_headers("oof_text", oof_text, _TEXTS, _html),
    _of_headers("http_refusal", http_refusal, _HEADERS, text_mutations.mutate_line),
    Target(
        name="oauth_token",
        run=token,
        corpus=_TOKENS,
        mutate=json_mutations.mutate,
        errors=(EwsError,),
        weight=1,
    ),
)
