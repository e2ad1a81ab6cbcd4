"""Messages as those programs write them that people write them with."""

import time
from pathlib import Path

import pytest

from rainbow_exchange.ews.plain_text import plain

FOLDER = Path(__file__).parents[2] / "fixtures" / "right" / "messages"
MESSAGES = sorted(FOLDER.glob("*.html"))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("Just text.\r\nSecond line & more", "Just text.\nSecond line & more"),
        ("I&#39;m out\xa0now", "I'm out now"),
        ("a < b and c > d", "a < b and c > d"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<div>One</div><div>Two<br>Three</div>", "One\nTwo\nThree"),
        ("<p>Mon<b>d</b><span>ay</span>, <i>not</i> Tuesday.</p>", "Monday, not Tuesday."),
        ("<p>hard\nwrapped\n   text</p>", "hard wrapped text"),
        ("<style>p {}</style><script>x()</script><!-- c --><p>seen</p>", "seen"),
        ("<html><head><title>T</title></head><body>B</body></html>", "B"),
        ('<?xml version="1.0" encoding="utf-8"?><html><body><p>X</p></body></html>', "X"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("<p>a\x01b\ufffe&#1;</p>", "ab"),
        ("<html></html>", ""),
        ("<p>never closed", "never closed"),
        ("<p>😀 é</p>", "😀 é"),
        ("Write to <ada@acme.test> if x<y and y>z", "Write to <ada@acme.test> if x<y and y>z"),
        ("if <none> then a <b", "if <none> then a <b"),
        ("Tom &amp; Jerry <3", "Tom & Jerry <3"),
        ("\ufeff<html><body>B</body></html>", "B"),
        ("<div>One</div><div><br></div><div>Two</div>", "One\n\nTwo"),
        ("<div>One</div><div>&nbsp;</div><div>Two</div>", "One\n\nTwo"),
        ("<div>One<br></div><div>Two</div>", "One\nTwo"),
        ("<font size=2>One<br>\r\n<br>\r\nTwo<br>\r\nThree</font>", "One\n\nTwo\nThree"),
        ("<table><tr><td>One</td><td><br></td><td>Two</td></tr></table>", "One Two"),
        ("<p>a<wbr>b, un<ins>der</ins>stood<!-- never --></p>", "ab, understood"),
        ('<p><st1:place w:st="on"><st1:City>Par</st1:City>is</st1:place></p>', "Paris"),
        ('<?xml:namespace prefix = o ns = "urn:x" /><P>One<o:p></o:p></P><P>Two</P>', "One\n\nTwo"),
        ("<body><xml><w:View>Normal</w:View></xml><p>seen</p></body>", "seen"),
        ("<![if !supportLists]><span>·&nbsp;&nbsp; </span><![endif]>One", "· One"),
        ("<script>1</script>", ""),
        ("<p>" + "<div>" * 200 + "deep", "deep"),
    ],
)
def test_markup_becomes_plain_text(markup: str, text: str) -> None:
    assert plain(markup) == text


@pytest.mark.parametrize("message", [pytest.param(each, id=each.stem) for each in MESSAGES])
def test_a_message_keeps_its_lines_and_paragraphs(message: Path) -> None:
    assert plain(message.read_text("utf-8")) == message.with_suffix(".txt").read_text("utf-8").rstrip("\n")


def test_there_are_messages() -> None:
    assert len(MESSAGES) >= 6


def test_of_megabytes_no_more_than_the_beginning_is_read() -> None:
    begin = time.process_time()
    text = plain("<p>first</p>" + "<p>more</p>" * 2_000_000)
    assert text.startswith("first\n\nmore")
    assert len(text) < 512 * 1024
    assert time.process_time() - begin < 5
