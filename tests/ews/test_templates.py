from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from rainbow_exchange.ews.errors import UnencodableText
from rainbow_exchange.ews.operations.resolve_names import ResolveNames
from rainbow_exchange.ews.operations.subscribe import Subscribe
from rainbow_exchange.ews.soap import build
from rainbow_exchange.ews.templates import PREFIXES, append, blank, set_text, template, writable
from rainbow_exchange.ews.types import ConnectingSid

#: XML 1.0, production 2
WRITABLE = (
    st.sampled_from("\t\n\r<>&'\"]")
    | st.characters(min_codepoint=0x20, max_codepoint=0xD7FF)
    | st.characters(min_codepoint=0xE000, max_codepoint=0xFFFD)
    | st.characters(min_codepoint=0x10000, max_codepoint=0x10FFFF)
)
FORBIDDEN = [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF]


@given(st.text(WRITABLE))
def test_any_text_that_xml_can_carry_comes_back_as_it_was(text: str) -> None:
    whom = ConnectingSid(kind="PrincipalName", value=text)
    header, body = etree.fromstring(build(ResolveNames(entry=text), impersonate=whom))
    assert (body[0][0].text or "") == text
    assert (header[1][0][0].text or "") == text


@given(st.text(WRITABLE))
def test_any_attribute_that_xml_can_carry_comes_back_as_it_was(text: str) -> None:
    envelope = etree.fromstring(build(Subscribe(), server_version=text))
    assert envelope[0][0].get("Version") == text


@pytest.mark.parametrize("code", FORBIDDEN)
def test_what_xml_cannot_carry_is_refused_by_name_and_place(code: int) -> None:
    with pytest.raises(UnencodableText, match=rf"^U\+{code:04X} at position 4 has no form in XML$"):
        build(ResolveNames(entry=f"ada {chr(code)}"))
    with pytest.raises(UnencodableText):
        build(Subscribe(), impersonate=ConnectingSid(kind="SID", value=chr(code)))


@given(st.text(st.characters()))
def test_refused_is_exactly_what_the_parser_library_refuses(text: str) -> None:
    element = etree.Element("x")
    try:
        element.text = text
    except ValueError:
        with pytest.raises(UnencodableText):
            writable(text)
    else:
        assert writable(text) == text


def test_each_copy_is_private() -> None:
    first = template("unsubscribe")
    set_text(first, ".//m:SubscriptionId", "one")
    assert blank(template("unsubscribe"), ".//m:SubscriptionId").text is None


def test_a_place_that_the_template_has_not_is_a_bug() -> None:
    with pytest.raises(LookupError, match="no m:Nothing"):
        blank(template("unsubscribe"), "m:Nothing")


def test_an_attribute_of_an_appended_element_is_checked_too() -> None:
    envelope = template("unsubscribe")
    assert append(envelope, "t:Value", "text", Name="a").get("Name") == "a"
    with pytest.raises(UnencodableText):
        append(envelope, "t:Value", Name="\x00")


def test_prefixes_mean_the_same_in_every_template() -> None:
    names = [each.name for each in resources.files("rainbow_exchange.soap_templates").iterdir()]
    for name in (name.removesuffix(".xml") for name in names if name.endswith(".xml")):
        found = template(name).nsmap
        assert {prefix: uri for prefix, uri in found.items() if prefix in PREFIXES}.items() <= PREFIXES.items()
