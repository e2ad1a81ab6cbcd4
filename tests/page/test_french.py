"""In French nothing is left in English: every view of a company with all kinds of trouble, and its templates."""

import asyncio
import getpass
import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from lxml import html

import rainbow_exchange
from rainbow_exchange.web import render
from rainbow_exchange.words import Said
from tests.house import EPOCH, House, now, until, virtually
from tests.page.formfiller import form_filler

TEMPLATES = Path(rainbow_exchange.__file__).parent / "web" / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
CODES = (
    "ErrorAccessDenied",
    "ErrorImpersonateUserDenied",
    "ErrorNonExistentMailbox",
    "ErrorAccountDisabled",
    "ErrorMailboxStoreUnavailable",
    "ErrorMissingEmailAddress",
)
#: words that are the same in both languages, and names of products
ALIKE = {
    *("Exchange", "Rainbow", "Basic", "NTLM", "OAuth", "Questions", "Version", "Minute", "Page", "Application"),
    *("min", "minutes", "ms", "Python", "svc-rainbow", "true", "false", "on", "auto", "info", "xmpp", "app1"),
    getpass.getuser(),  # the support's data name the account
    # on Rainbow's wire
    *(
        "attendees",
        "body",
        "categories",
        "location",
        "organizer",
        "value",
        "id",
        "state",
        "subject",
        "timezone",
        "type",
    ),
    *("busy", "disabled"),
    *("Pages", "Notification", "Type", "Secrets", "Support", "Action", "Description", "Français", "English"),
}
#: no words: addresses, settings, codes, versions, names on the wire, ids
_DATA = re.compile(r"\S*[@./_-]\S*|Error[A-Z]\w+|[0-9a-f]{16,}|\w+[a-z][A-Z]\w*|\W?\d+")
_ENGLISH = re.compile(r"\b(?:the|is|was|of|and|with|that|has|are|from|which|it|to|by|at|this)\b")
_READ_ALOUD = ("aria-label", "title", "placeholder", "alt")
_AS_SENT = {"script", "style", "code", "pre"}


def texts(document: Any) -> Iterator[str]:
    """Give all that somebody reads, or hears read; not what is code, or a table of what is on the wire."""
    for element in document.iter():
        if not isinstance(element.tag, str) or element.tag in _AS_SENT:
            continue
        pieces = [element.text, *(each.tail for each in element), *map(element.get, _READ_ALOUD)]
        yield from (" ".join(piece.split()) for piece in pieces if piece and piece.strip())


def _is_word(text: str) -> bool:
    bare = text.strip('()[],:;.…"')
    return bool(re.search(r"[^\W\d_]{2}", bare)) and bare not in ALIKE and not _DATA.fullmatch(bare)


def in_english(said: set[str], french: set[str]) -> set[str]:
    """Give what stands in a French page as in the English one, and no data, or has English words in it."""
    left = {text for text in said & french if any(map(_is_word, text.split()))}
    return left | {text for text in french - said if _ENGLISH.search(_DATA.sub(" ", text))}


def test_each_view_is_french_all_through(tmp_path: Path) -> None:
    plain: set[str] = set()
    filters = render.environment("fr").filters
    said = filters["said"]

    def noticed(text: object) -> str:
        if isinstance(text, str) and not isinstance(text, Said):
            plain.add(text)
        return str(said(text))

    async def test() -> None:
        house = House(tmp_path, 8)
        addresses = sorted(house.exchange.directory.by_address)
        house.exchange.dials.turn({"mailbox_errors": dict(zip(addresses, CODES, strict=False))})
        async with house.at_work("degraded") as daemon:
            await until(lambda: house.status()["mailboxes"]["streamed"] == 2, within=120)
            house.appointment(addresses[7], "Sbj4711", start=EPOCH + timedelta(hours=1))
            await asyncio.sleep(600)
            bridge = daemon.sides.bridge()
            assert bridge is not None
            [well] = [
                each.user.id for each in bridge.parts.roster if each.mailbox and each.mailbox.address == addresses[7]
            ]
            at = f"{now() - timedelta(minutes=5):%Y-%m-%dT%H:%M}"
            everybody = [member.user.id for member in bridge.parts.roster]
            paths = ["/", "/problems", "/people", "/people?state=uncovered", "/streams", "/activity", "/set-up"]
            paths += ["/support", *(f"/people/{each}" for each in everybody)]
            paths += [f"/people/{well}/told", f"/people/{well}/at?at={at}"]
            async with form_filler(house.sign_in) as page:
                for path in paths:
                    seen = {}
                    for name in ("en", "fr"):
                        async with page._client.get(page.base + path, headers={"Accept-Language": name}) as answer:
                            assert answer.status == 200, path
                            document = html.fromstring(await answer.text())
                        assert document.get("lang") == name
                        seen[name] = {text for text in texts(document) if "Sbj4711" not in text}
                    assert in_english(seen["en"], seen["fr"]) == set(), path

    filters["said"] = noticed
    try:
        virtually(test)
    finally:
        filters["said"] = said
    assert {text for text in plain if any(map(_is_word, text.split()))} == set()


class Bare(HTMLParser):
    """The words of a template that go through no catalogue."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in: list[str] = []
        text = re.sub(r"{%-?\s*trans\b.*?{%-?\s*endtrans\s*-?%}", " ", text, flags=re.DOTALL)
        self.feed(re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", " ", text, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in.append(tag)
        self.found += [value for name, value in attrs if name in _READ_ALOUD and value]

    def handle_endtag(self, tag: str) -> None:
        while self._in and self._in.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not _AS_SENT & set(self._in):
            self.found.append(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_holds_no_word_that_goes_through_no_catalogue(name: str) -> None:
    bare = Bare((TEMPLATES / name).read_text(encoding="utf-8"))
    # "disabled" and "checked" are left of attributes that an expression gives
    assert set(filter(_is_word, " ".join(bare.found).split())) <= {"disabled", "checked"}
