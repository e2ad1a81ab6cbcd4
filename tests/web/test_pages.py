"""Whatever a status says, a page shows it as text, and is bounded."""

import re
from typing import Any

from lxml import html

from rainbow_exchange.web.pages import sign_in_page, status_page

STATUS: dict[str, Any] = {
    "state": "degraded",
    "since": "2026-03-02T08:00:00Z",
    "exchange": {"state": "connected", "reason": ""},
    "rainbow": {"state": "disconnected", "reason": "It is away."},
    "mailboxes": {"total": 3, "streamed": 1, "polled": 1, "uncovered": 1},
    "not_streamed_total": 0,
    "not_streamed": [],
    "not_read_total": 0,
    "not_read": [],
    "problems": [],
}
NASTY = "<script>alert(1)</script>&amp;\"'\x00\x1b\udcff é"


def words(page: bytes) -> str:
    return " ".join(html.document_fromstring(page.decode()).text_content().split())


def test_the_status_is_shown_with_reasons_and_steps() -> None:
    problem = {"id": "rainbow-unreachable", "severity": "error", "since": None, "text": "Away.", "action": "Wait."}
    person = {"user": "ada@acme.test", "reason": "ErrorAccessDenied"}
    more = {"problems": [problem], "not_streamed": [person] * 500, "not_streamed_total": 50_000}

    text = words(status_page(STATUS | more))

    assert "rainbow-exchange: Degraded" in text
    assert "Rainbowdisconnected (It is away.)" in text
    assert "3: 1 streamed, 1 polled, 1 not covered" in text
    assert "Error rainbow-unreachableAway.Next step: Wait." in text
    assert text.count("ada@acme.test: ErrorAccessDenied") == 20
    assert text.endswith("And 49980 more: rainbow-exchange mailboxes --state not-streamed")


def test_markup_in_a_text_is_text() -> None:
    problem = dict.fromkeys(("id", "severity", "since", "text", "action"), NASTY)
    nasty = STATUS | {"problems": [problem], "not_read": [{"user": NASTY, "reason": NASTY}], "not_read_total": 1}
    nasty |= {"state": NASTY, "since": NASTY, "exchange": {"state": NASTY, "reason": NASTY}}

    for page in (status_page(nasty), sign_in_page(NASTY)):
        assert page.startswith(b"<!DOCTYPE html>")
        assert b"<script" not in page
        assert re.search(rb"[\x00-\x08\x0b-\x1f]", page) is None
        assert "<script>alert(1)</script>&amp;\"'??? é" in words(page)


def test_a_page_is_bounded() -> None:
    problem = {"id": "x" * 5000, "severity": "error", "since": None, "text": "y" * 10_000, "action": "z" * 10_000}
    person = {"user": "u" * 10_000, "reason": "r" * 10_000}

    page = status_page(
        STATUS | {"problems": [problem] * 200, "not_streamed": [person] * 500, "not_streamed_total": 500}
    )

    assert len(page) < 150_000
