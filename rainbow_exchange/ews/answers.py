"""How the parsers read an answer: elements by local name whatever the prefix, response messages, texts and times."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from lxml import etree

from rainbow_exchange.ews.errors import MalformedResponse, ResponseError
from rainbow_exchange.ews.treatment import error_from
from rainbow_exchange.ews.types import ResponseCode

Entry = TypeVar("Entry")

_DIGITS = 10
#: as many as the days have that are kept of each calendar: most appointments begin and end with one
_MINUTES = 10 * 24 * 60
#: characters of an instant that is kept: with seven digits of a fraction and its offset it has 33
_KEPT = 40
#: the end of a day, which xs:dateTime may write so
_END_OF_DAY = re.compile(r"(?<=T)24:00:00(\.0+)?(?![.\d])")


def local_name(element: etree._Element) -> str:
    """Give an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Go through the children of that local name."""
    return element.iterchildren("{*}" + name)


def first(element: etree._Element | None, *path: str) -> etree._Element | None:
    """Find the first child of that local name, and from there on along `path`; None where one is missing."""
    for name in path:
        if element is None:
            return None
        element = next(element.iterchildren("{*}" + name), None)
    return element


def by_name(element: etree._Element) -> dict[str, etree._Element]:
    """Give the children by local name, the first where several have one; for those of whom many are read."""
    return {local_name(child): child for child in element.iterchildren(reversed=True)}


def within(element: etree._Element, name: str) -> etree._Element | None:
    """Find the first element of that local name at any depth, `element` itself included."""
    return next(element.iter("{*}" + name), None)


def text_of(element: etree._Element | None) -> str:
    """Give an element's text without white space around it; "" where there is no element."""
    text = None if element is None else element.text
    return text.strip() if text else ""


def child_text(element: etree._Element | None, *path: str) -> str:
    """Give the text of the element along `path`; "" where one is missing."""
    return text_of(first(element, *path))


def is_true(text: str) -> bool:
    """Read an xs:boolean; what is neither true nor 1 is false."""
    return text.strip().lower() in {"true", "1"}


def whole_number(text: str) -> int | None:
    """Read a number that is not negative and fits an xs:int; None for anything else."""
    stripped = text.strip()
    return int(stripped) if stripped.isascii() and stripped.isdecimal() and len(stripped) <= _DIGITS else None


def instant(text: str) -> datetime:
    """Read an xs:dateTime as an aware instant in UTC; one without zone is UTC.

    Any number of fraction digits is taken, those beyond microseconds are cut; 24:00:00 is the next day's midnight.
    Raises MalformedResponse.
    """
    written = text.strip()
    try:
        return _instant(written) if len(written) <= _KEPT else _instant.__wrapped__(written)
    except (ValueError, OverflowError):  # whose words repeat what stands there
        raise MalformedResponse("a time that is no xs:dateTime") from None


@lru_cache(maxsize=_MINUTES)
def _instant(text: str) -> datetime:
    """Read it once for all appointments of everybody that begin or end then."""
    if "T24" in text:
        text, ends_day = _END_OF_DAY.subn("00:00:00", text)
        read = datetime.fromisoformat(text) + timedelta(days=ends_day)
    else:
        read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def optional_instant(text: str) -> datetime | None:
    """Read an xs:dateTime that may be missing."""
    return instant(text) if text.strip() else None


def readable(read: Callable[[etree._Element], Entry], elements: Iterable[etree._Element]) -> tuple[list[Entry], int]:
    """Read what can be read of many entries; the second value counts those left out. A bad one harms no other.

    Raises MalformedResponse where none can be read: that is no empty list.
    """
    found: list[Entry] = []
    malformed: list[MalformedResponse] = []
    for element in elements:
        try:
            found.append(read(element))
        except MalformedResponse as error:
            malformed.append(error)
    if malformed and not found:
        raise malformed[0]
    return found, len(malformed)


def message_xml(element: etree._Element | None) -> dict[str, str]:
    """Give the entries of MessageXml at or below `element`: Value by its Name, any other by its element's name.

    Servers put them into the fault's detail, into the response message, or one level deeper.
    """
    values: dict[str, str] = {}
    if element is None:
        return values
    for holder in element.iter("{*}MessageXml"):
        if next(holder.iterancestors("{*}MessageXml"), None) is not None:
            continue  # what it holds was seen with the one around it
        for entry in holder.iterdescendants("{*}*"):
            if len(entry) == 0 and local_name(entry) != "Value":
                values.setdefault(local_name(entry), text_of(entry))
    for entry in element.iter("{*}Value"):
        values[entry.get("Name") or "Value"] = text_of(entry)
    return values


def refusal(message: etree._Element) -> ResponseError | None:
    """Give the error that a response message stands for, None for success.

    The class Warning with a code means that the request was not (wholly) carried out: an error as well.
    """
    code = ResponseCode(child_text(message, "ResponseCode"))
    silent = code in {"", ResponseCode.NO_ERROR}
    if silent and (message.get("ResponseClass") or "").strip() != "Error":
        return None
    return error_from(
        ResponseCode.UNNAMED if silent else code,
        child_text(message, "MessageText"),
        message_xml(first(message, "MessageXml")),
        fault=False,
    )


def response_message(body: etree._Element, operation: str) -> etree._Element:
    """Find the one response message of `operation`; its error, if it is one, is raised. Raises as `find_message`."""
    message = find_message(body, operation)
    error = refusal(message)
    if error is not None:
        raise error
    return message


def find_message(body: etree._Element, operation: str) -> etree._Element:
    """Find the one response message of `operation`, be it success or error.

    Usual is <Operation>Response/ResponseMessages/<Operation>ResponseMessage; the wrapper may be missing, the message
    may be called just ResponseMessage, or the response itself may carry the code. Raises MalformedResponse where the
    body holds the answer to something else.
    """
    message = within(body, f"{operation}ResponseMessage")
    if message is None:
        response = within(body, f"{operation}Response")
        message = first(body, "ResponseMessage") if response is None else within(response, "ResponseMessage")
        message = response if message is None else message
    if message is None:
        raise MalformedResponse(f"no answer to {operation} in the body")
    return message
