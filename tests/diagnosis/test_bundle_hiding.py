"""Whoever is named in a bundle is hidden, in whatever form the name is written; the same person by the same hash."""

import re
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rainbow_exchange.diagnosis.bundle.hiding import Hiding
from rainbow_exchange.diagnosis.bundle.known import Known

HASH = r"hash-[0-9a-f]{12}"


def hiding(*people: str) -> Hiding:
    return Hiding(b"k" * 32, people=people, domains=["acme.test"])


@pytest.mark.parametrize(
    "text",
    [
        "ada.lovelace@acme.test",
        "read_failed for <Ada.Lovelace@ACME.test>, again",
        "https://mail.acme.test/ews?user=ada.lovelace%40acme.test&x=1",
        "https://mail.acme.test/ews?back=%2Fuser%3Fu%3Dada.lovelace%2540acme.test",
        r'{"user": "ada.lovelace\u0040acme.test"}',
        "ada.lovelace&#64;acme.test",
        "ada.lovelace\\40acme.test@rainbow.test/desktop",
        "smtp:ada.lovelace@acme.test;SMTP:ADA.LOVELACE@acme.test",
        "'ada.lovelace@acme.test' (Ada Lovelace)",
        "Lovelace, Ada was refused",
    ],
)
def test_an_address_is_hidden_in_every_form(text: str) -> None:
    hidden = hiding("ada.lovelace@acme.test").text(text)

    assert "lovelace" not in hidden.lower()
    assert re.search(HASH, hidden)


@pytest.mark.parametrize(
    "text",
    [
        "https://mail.acme.test/?u=ada.lovelace%252540acme.test&x=1",
        "https://mail.acme.test/?u=%61%64%61%2E%6C%6F%76%65%6C%61%63%65%40%61%63%6D%65%2E%74%65%73%74",
        r"\u0061\u0064\u0061\u002e\u006c\u006f\u0076\u0065\u006c\u0061\u0063\u0065\u0040acme.test was refused",
        "&#97;&#100;&#97;&#x2e;&#108;&#111;&#118;&#101;&#108;&#97;&#99;&#101;&commat;acme.test",
        r"said \x61\x64\x61.lovelace@acme.test",
        "=?utf-8?b?YWRhLmxvdmVsYWNlQGFjbWUudGVzdA==?=",
        "user YWRhLmxvdmVsYWNlQGFjbWUudGVzdA, again",
        "AGFkYS5sb3ZlbGFjZUBhY21lLnRlc3QAeA== was sent",
    ],
)
def test_escapes_hide_nobody_from_being_hidden(text: str) -> None:
    one = hiding("ada.lovelace@acme.test")
    hidden = one.text(text)

    assert one.hash("ada.lovelace@acme.test") in hidden
    assert not [each for each in ("lovelace", "%6C", "u006c", "#108", "YWRh", "AGFk", "x61") if each in hidden]


def test_names_without_an_at_sign_are_found_in_escapes_too() -> None:
    one = hiding("ACME\\bjones", "李雷@例え.jp")

    assert one.text("/ews?login=acme%5Cbjones&a=1").endswith(one.hash("bjones") + "&a=1")
    assert one.hash("李雷@例え.jp") in one.text(
        "login=%25E6%259D%258E%25E9%259B%25B7%2540%25E4%25BE%258B%25E3%2581%2588.jp"
    )
    kept = "/ews%20a?b=%5Cx&amp;c cmFpbmJvdyBleGNoYW5nZQ== rainbow_exchange.bridge"
    assert one.text(kept) == kept


def test_the_same_person_has_the_same_hash_and_the_company_keeps_its_domain() -> None:
    hide = hiding()

    forms = ["ada@acme.test", "ADA@Acme.test", "ada%40acme.test", r"ada\u0040acme.test", "'ada@acme.test'"]
    forms += ["?back=%2F%3Fuser%3Dada%40acme.test%26x%3D1", "%253Dada%2540acme.test", "mailto:ada@acme.test?x"]
    hashes = {re.search(rf"{HASH}@acme\.test", hide.text(form)).group() for form in forms}  # type: ignore[union-attr]  # fails then
    assert len(hashes) == 1
    assert hide.who == {hashes.pop(): "ada@acme.test"}
    assert hide.text("e\N{COMBINING ACUTE ACCENT}lodie@acme.test") == hide.text("élodie@acme.test")
    assert hide.text("bob@acme.test") != hide.text("ada@acme.test")


def test_nobody_can_try_out_addresses_against_a_hash_of_another_key() -> None:
    assert Hiding(b"a" * 32).text("ada@acme.test") != Hiding(b"b" * 32).text("ada@acme.test")


def test_a_domain_that_may_be_a_persons_is_hidden_too() -> None:
    assert re.fullmatch(rf"{HASH}@{HASH}", hiding().text("ada@lovelace.example"))
    assert re.fullmatch(rf"{HASH}@eu\.acme\.test", hiding().text("ada@eu.acme.test"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("S-1-5-21-10-20-30-1103", HASH),
        ("S-1-5-18", "S-1-5-18"),
        ("/users/5f00000000000000000000c1/settings", f"/users/{HASH}/settings"),
        ("/o=Acme/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=ada", HASH),
        ("CN=Ada,OU=Staff,DC=acme,DC=test", HASH),
        ("CN=Acme Root CA", "CN=Acme Root CA"),
        (r"C:\Users\Ada\AppData", rf"C:\\Users\\{HASH}\\AppData"),
        ("/home/Ada/config.toml", f"/home/{HASH}/config.toml"),
        ("\N{LEFT DOUBLE QUOTATION MARK}हिन्दी@acme.test\N{RIGHT DOUBLE QUOTATION MARK}", f".{HASH}@acme\\.test."),
        ("*@board.acme.test", r"\*@board.acme.test"),
        ("https://***@proxy.acme.test/", r"https://\*\*\*@proxy.acme.test/"),
        ("mail.acme.test port 443", "mail.acme.test port 443"),
        (f"hash-{'0' * 12}@acme.test", f"hash-{'0' * 12}@acme.test"),
    ],
)
def test_what_has_the_looks_of_a_person_and_what_has_not(text: str, shown: str) -> None:
    assert re.fullmatch(shown, hiding().text(text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("jdoe", "user=JDoe&x"),
        ("ACME\\svc-rainbow", r"signed in as ACME\\svc-rainbow"),
        ("CN=Doe John/ext", "who=CN%3DDoe%20John%2Fext"),
        ("doe & söhne", "doe &amp; söhne"),
        ("doe & söhne", r"doe & s\u00f6hne"),
        ("jean-luc.doe@acme.test", "Jéan Luc Doë"),
        ("john doe@acme.test", "John Doe@acme.test has none"),
        ("élodie@acme.test", "%C3%89lodie%40acme.test"),
    ],
)
def test_whoever_is_known_is_found_whatever_the_name_looks_like(name: str, text: str) -> None:
    hidden = hiding(name).text(text)

    assert re.search(HASH, hidden)
    for word in ("doe", "svc", "john", "lodie", "jéan", "doë"):
        assert word not in hidden.lower()


def test_a_line_of_a_terminal_is_hidden_by_its_fields_as_well() -> None:
    hide = hiding()

    line = "07:00 [info] read_failed  mailbox=jdoe reason=timeout user='bob' login=None seconds=3 user=ada@acme.test"

    ada = hide.hash("ada@acme.test")
    assert hide.text(line) == (
        f"07:00 [info] read_failed  mailbox={hide.hash('jdoe')} reason=timeout user='{hide.hash('bob')}' login=None"
        f" seconds=3 user={ada}"
    )
    assert hide.text(hide.text(line)) == hide.text(line)


def test_a_name_within_a_word_is_none() -> None:
    assert hiding("doe").text("doetinchem does not doe.") == f"doetinchem does not {hiding().hash('doe')}."


def test_the_longest_name_counts() -> None:
    known = Known(["ada", "ada lovelace", "x"])

    assert [(found.start, found.end, found.name) for found in known.find("x ada, Ada Lovelace")] == [
        (2, 5, "ada"),
        (7, 19, "ada lovelace"),
    ]


def test_json_is_hidden_with_its_keys_and_by_its_fields() -> None:
    given: dict[str, Any] = {
        "event": "read_failed",
        "level": "info",
        "correlation_id": "0123456789abcdef01234567",
        "user": "jdoe",
        "mailbox": None,
        "reason": "of ada@acme.test",
        "tries": ["ada@acme.test", 3, True],
        "by": {"ada@acme.test": 1},
        "bridge.privacy_exceptions": {"bob": "full", "*@board.acme.test": "busy-only"},
        "coverage": "polled",
        "addresses": ["127.0.0.1", "::1", "bob"],
        "account": "root",
        "found": [{"kind": "external-uid", "value": "jd", "code": "form"}, {"kind": "xmpp", "value": "jd"}],
        "settings": [
            {"name": "exchange.username", "value": "svc-rainbow", "origin": "file"},
            {"name": "bridge.privacy_exceptions", "value": {"bob": "full"}},
            {"name": "bridge.privacy", "value": "full"},
            {"name": "rainbow_fields.username", "value": ["settings.company.login"]},
        ],
    }
    hide = hiding("info", "read")

    hidden = hide.value(given)

    ada = hide.hash("ada@acme.test")
    assert hidden == {
        "event": "read_failed",
        "level": "info",
        "correlation_id": "0123456789abcdef01234567",
        "user": hide.hash("jdoe"),
        "mailbox": None,
        "reason": f"of {ada}",
        "tries": [ada, 3, True],
        "by": {ada: 1},
        "bridge.privacy_exceptions": {hide.hash("bob"): "full", "*@board.acme.test": "busy-only"},
        "coverage": "polled",
        "addresses": ["127.0.0.1", "::1", hide.hash("bob")],
        "account": "root",
        "found": [{"kind": "external-uid", "value": hide.hash("jd"), "code": "form"}, {"kind": "xmpp", "value": "jd"}],
        "settings": [
            {"name": "exchange.username", "value": hide.hash("svc-rainbow"), "origin": "file"},
            {"name": "bridge.privacy_exceptions", "value": {hide.hash("bob"): "full"}},
            {"name": "bridge.privacy", "value": "full"},
            {"name": "rainbow_fields.username", "value": ["settings.company.login"]},
        ],
    }
    assert hide.value(hidden) == hidden, "what is hidden already stays as it is"


@pytest.mark.parametrize(
    "piece", ["a", "é", "\\u00e9", "a.", "%41", "'", "x@", "@x", '"', "S-1-5-21-1", "CN=a,", "/o=a/cn=b"]
)
def test_a_long_word_takes_no_long_time(piece: str) -> None:
    """Nothing is looked at again and again: a line may have 16 Ki characters."""
    began = time.process_time()

    hiding("jdoe").text(piece * (8_192 // len(piece)))

    assert time.process_time() - began < 5


AROUND = st.text(max_size=20) | st.text(alphabet="\"'<>=%&;@.\\\\/u0423D", max_size=8)


@example(before="*@", after="", form="{}@acme.test")
@given(before=AROUND, after=AROUND, form=st.sampled_from(["{}@acme.test", "{}%40acme.test", "{}\\\\u0040acme.test"]))
def test_whatever_stands_around_an_address_it_is_hidden(before: str, after: str, form: str) -> None:
    assert "lovelace" not in hiding().text(before + form.format("lovelace") + after).lower()


@pytest.mark.parametrize("domain", ["notacme.test", "acme.test.example"])
def test_a_domain_that_only_looks_like_the_company_s_is_hidden(domain: str) -> None:
    hidden = hiding().text(f"from bob@{domain} to ada@acme.test and eve@mail.acme.test")

    assert domain not in hidden
    assert re.fullmatch(rf"from {HASH}@{HASH} to {HASH}@acme\.test and {HASH}@mail\.acme\.test", hidden)
