"""EWS as a mailbox's owner speaks it, written by hand: an envelope out, an envelope back, within limits."""

import base64
import re
import ssl
from datetime import UTC, datetime
from http import HTTPStatus

import aiohttp
from lxml import etree

from rainbow_exchange.ews.namespaces import MESSAGES, SOAP, TYPES

_MAX_ANSWER = 4 * 2**20
NSMAP = {"soap": SOAP, "t": TYPES, "m": MESSAGES}
#: what requests are called in the records of the lab's Exchange
USER_AGENT = "rainbow-exchange-lab-owner"
#: references to characters that XML forbids, which Exchange writes all the same
_FORBIDDEN = re.compile(rb"&#(?:x0*(?:[0-8bcef]|1[0-9a-f])|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));", re.IGNORECASE)


class Refused(Exception):
    """It was not done. `code` is what Exchange says, or `http-<status>`; `details` what Rainbow says besides."""

    def __init__(self, code: str, details: str = "") -> None:
        super().__init__(f"{code}: {details}" if details else code)
        self.code = code
        self.details = details


class OwnerWire:
    """Requests of one owner, signed in with Basic. `call` raises Refused, aiohttp.ClientError or TimeoutError."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        address: str,
        password: str,
        ssl_context: ssl.SSLContext | None,
        seconds: float,
    ) -> None:
        self._session = session
        self._url = url
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(f"{address}:{password}".encode()).decode(),
            "Content-Type": "text/xml; charset=utf-8",
            "User-Agent": USER_AGENT,
        }
        self._ssl = ssl_context
        self._timeout = aiohttp.ClientTimeout(total=seconds)

    async def call(self, operation: etree._Element) -> etree._Element:
        """Send an operation's element; return the answer's envelope, in which every code is NoError."""
        envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap=NSMAP)
        header = etree.SubElement(envelope, f"{{{SOAP}}}Header")
        etree.SubElement(header, f"{{{TYPES}}}RequestServerVersion", {"Version": "Exchange2013_SP1"})
        etree.SubElement(envelope, f"{{{SOAP}}}Body").append(operation)
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        async with self._session.post(
            self._url, data=body, headers=self._headers, timeout=self._timeout, ssl=self._ssl or True
        ) as answer:
            content, status = await read_all(answer, _MAX_ANSWER), answer.status
        try:
            parsed = etree.fromstring(
                _FORBIDDEN.sub(b"", content), etree.XMLParser(resolve_entities=False, no_network=True)
            )
        except etree.XMLSyntaxError as error:
            raise Refused(f"http-{status}") from error
        codes = [each.text or "" for each in every(parsed, "ResponseCode")]
        wrong = [code for code in codes if code != "NoError"]
        if status != HTTPStatus.OK or wrong or not codes:
            raise Refused(wrong[0] if wrong else f"http-{status}")
        return parsed


async def read_all(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """Read an answer to its end. Raise Refused for one that is longer than `most` bytes."""
    content = bytearray()
    async for piece in answer.content.iter_any():
        content += piece
        if len(content) > most:
            raise Refused("answer-too-long")
    return bytes(content)


def every(parent: etree._Element, name: str) -> list[etree._Element]:
    """List the elements below `parent` with this local name."""
    return [each for each in parent.iter(tag=etree.Element) if etree.QName(each).localname == name]


def text_of(parent: etree._Element, *path: str) -> str:
    """Give the text of the first element on a way of local names; "" where there is none."""
    found = parent
    for name in path:
        below = every(found, name)
        if not below:
            return ""
        found = below[0]
    return found.text or ""


def message(name: str, attributes: dict[str, str] | None = None) -> etree._Element:
    """Begin an operation's element."""
    return etree.Element(f"{{{MESSAGES}}}{name}", attributes or {}, nsmap=NSMAP)


def add(parent: etree._Element, name: str, value: str | None = None, **attributes: str) -> etree._Element:
    """Add an element of the types' namespace; return it. Raise Refused for a text that XML cannot hold."""
    made = etree.SubElement(parent, f"{{{TYPES}}}{name}", attributes)
    try:
        made.text = value
    except ValueError as error:
        raise Refused("text-not-possible") from error
    return made


def within(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    """Add an element of the messages' namespace; return it."""
    return etree.SubElement(parent, f"{{{MESSAGES}}}{name}", attributes)


def written(moment: datetime) -> str:
    """Write an instant."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def instant(text: str) -> datetime:
    """Read an instant; one without an offset is in UTC, as Exchange writes those of absences. Raise Refused."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused("time-not-understood") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
