import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from rainbow_exchange.rainbow.errors import BadFrame
from rainbow_exchange.rainbow.markup import content, parse, printable, quoted


@given(st.text(min_size=1), st.text())
@example("<&>\"'\t\r\n\0\ud800\uffff\U0001f600", "<&>\"'\t\r\n\0\ud800\uffff\U0001f600")
def test_texts_are_written_as_lxml_writes_them(text: str, value: str) -> None:
    tree = etree.Element("a", {"b": printable(value)})
    tree.text = printable(text)
    written = f"<a b={quoted(value)}>{content(text)}</a>"
    assert written == etree.tostring(tree, encoding="unicode")
    assert etree.tostring(parse(written)) == etree.tostring(tree)


def test_frame_is_read_whatever_its_prefixes() -> None:
    tree = parse('<c:iq xmlns:c="jabber:client" id="é"><q xmlns="n"/></c:iq>')
    assert (tree.tag, tree.get("id"), [part.tag for part in tree]) == ("{jabber:client}iq", "é", ["{n}q"])


@pytest.mark.parametrize(
    "inside", ["<a>" * 257 + "</a>" * 257, '<a xml:id="7"/><b xml:id="7"/>', "<a>" * 100_000 + "</a>" * 100_000]
)
def test_root_is_read_of_what_our_parser_does_not_take(inside: str) -> None:
    tree = parse(f'<iq xmlns="jabber:client" type="get" id="é&amp;" xml:lang="en">{inside}</iq>')
    assert tree.tag == "{jabber:client}iq"
    assert dict(tree.attrib) == {
        "type": "get",
        "id": "é&",
        "{http://www.w3.org/XML/1998/namespace}lang": "en",
    }
    assert len(tree) == 0


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("", "not-well-formed"),
        ("<a>" * 1000, "not-well-formed"),
        ("\ud800", "not-well-formed"),
        ("<iq>\ufffe</iq>", "not-well-formed"),
        ("<iq>&#1;</iq>", "not-well-formed"),
        ("<iq/><iq/>", "not-well-formed"),
        ("<!DOCTYPE iq><iq/>", "restricted-xml"),
        ('<!-- --><!DOCTYPE iq [<!ENTITY x "y">]><iq>&x;</iq>', "restricted-xml"),
    ],
)
def test_what_is_not_allowed_is_named(text: str, condition: str) -> None:
    with pytest.raises(BadFrame) as caught:
        parse(text)
    assert caught.value.condition == condition


def test_no_frame_makes_those_after_it_slower() -> None:
    def small() -> float:
        begin = time.process_time()
        for _ in range(1000):
            parse('<iq xmlns="jabber:client" type="get"/>')
        return time.process_time() - begin

    before = small()
    parse("<iq>" + "<a xmlns:x='1'/>" * 15_000 + "</iq>")
    assert small() < 3 * before + 0.005
