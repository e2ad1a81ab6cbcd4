"""A stranger's text made fit to be shown."""

import pytest

from rainbow_exchange.network.shown import few, nameless, printable, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ErrorServerBusy", "ErrorServerBusy"),
        ("Zürich 東京", "Zürich 東京"),
        ("https://u:pw@x/EWS", "https://x/EWS"),
        ("see https://a.test/ and //u:p@ss@b.test/", "see https://a.test/ and //b.test/"),
        ("\x1b]0;title\x07\x1b[31mred\r\n\u202eleft", "?]0;title??[31mred???left"),
        ("x" * 6000, "x" * 200),
        ("", ""),
    ],
)
def test_only_what_does_no_harm_is_left(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("User ada.lovelace+1@acme.test is unknown", "User …@acme.test is unknown"),
        (
            "<mailto:élodie@acme.test>, 'bob@acme.test';jid=c@x.test/desk",
            "<mailto:…@acme.test>, '…@acme.test';jid=…@x.test/desk",
        ),
        ("Resource not found: 5f00 @ noon", "Resource not found: 5f00 @ noon"),
    ],
)
def test_of_whom_a_server_names_the_domain_is_left(text: str, expected: str) -> None:
    assert nameless(text) == expected


def test_the_length_can_be_another_and_our_own_text_has_none() -> None:
    assert shown("abcdef", 3) == "abc"
    assert printable("a\x9bb" + "x" * 300) == "a?b" + "x" * 300


def test_a_few_are_named_and_the_others_counted() -> None:
    assert few(["a", "b"], 2) == "a, b"
    assert few([1, 2, 3, 4], 2, "<{}>".format) == "<1>, <2> and 2 more"
    assert few([], 2) == ""
