from datetime import UTC, datetime, timedelta, timezone
from xml.sax.saxutils import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from rainbow_exchange.rainbow.link import MalformedQuestion
from rainbow_exchange.rainbow.markup import printable
from rainbow_exchange.rainbow.questions import (
    auto_reply_result,
    events_result,
    is_question,
    read_question,
)
from rainbow_exchange.rainbow.stanzas import Iq, read
from rainbow_exchange.rainbow.types import AutoReply, CalendarEvent, Question

MAX_STANZA = 18_380
ME = "0a1b@rainbow.test/node_x"
NS = {"c": "urn:xmpp:calendar:0"}
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ASKED = Question(kind="events", email="bob@acme.test")


def iq(text: str) -> Iq:
    frame = read(text)
    assert isinstance(frame, Iq)
    return frame


def question(payload: str, type_: str = "get", id_: str = "ev1") -> Iq:
    return iq(f'<iq xmlns="jabber:client" type="{type_}" id="{id_}" from="calendar.rainbow.test">{payload}</iq>')


def events(dates: str = "", email: str = "bob@acme.test") -> str:
    return f'<events xmlns="urn:xmpp:calendar:0" email="{email}">{dates}</events>'


def event(number: int = 1, subject: str = "Review", **changes: object) -> CalendarEvent:
    given = {"id": f"evt-{number}", "subject": subject, "type": "singleInstance", "show_as": "busy"}
    return CalendarEvent(**(given | {"start": START, "end": START + timedelta(hours=1)} | changes))  # type: ignore[arg-type]  # changes are a test's own


def same(written: str, expected: str) -> bool:
    return etree.canonicalize(written) == etree.canonicalize(expected)


@pytest.mark.parametrize("type_", ["get", "set"])
def test_question_for_events_is_read_from_get_and_set(type_: str) -> None:
    asked = question(
        events("<startDate>2026-01-05T00:00:00Z</startDate><endDate>2026-01-06T00:00:00Z</endDate>", " Bob@acme.test"),
        type_,
    )
    assert is_question(asked)
    assert read_question(asked).id == "ev1"
    assert read_question(asked) == Question(
        kind="events",
        email=" Bob@acme.test",
        start=datetime(2026, 1, 5, tzinfo=UTC),
        end=datetime(2026, 1, 6, tzinfo=UTC),
    )


def test_question_for_the_automatic_reply_has_no_dates() -> None:
    payload = '<autoreply xmlns="urn:xmpp:calendar:0" email="bob@acme.test"><startDate>x</startDate></autoreply>'
    assert read_question(question(payload)) == Question(kind="autoreply", email="bob@acme.test")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-05T09:00:00Z", datetime(2026, 1, 5, 9, tzinfo=UTC)),
        ("2026-01-05T09:00:00.1234567Z", datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=UTC)),
        ("2026-01-05T09:00:00.123456789+01:00", datetime(2026, 1, 5, 8, 0, 0, 123456, tzinfo=UTC)),
        ("2026-01-05T09:00:00-03:30", datetime(2026, 1, 5, 12, 30, tzinfo=UTC)),
        (" 2026-01-05T09:00:00 ", datetime(2026, 1, 5, 8, tzinfo=UTC)),
        ("2026-07-05T09:00:00.5", datetime(2026, 7, 5, 7, 0, 0, 500000, tzinfo=UTC)),
        ("2026-01-05", datetime(2026, 1, 4, 23, tzinfo=UTC)),
        ("", None),
    ],
)
def test_dates_come_in_many_forms(text: str, value: datetime | None) -> None:
    read_ = read_question(question(events(f'<startDate timezone="Europe/Paris">{text}</startDate>')))
    assert (read_.start, read_.zone_unknown) == (value, False)


def test_each_date_has_its_own_zone() -> None:
    dates = (
        '<startDate timezone="America/New_York">2026-01-05T20:00:00</startDate><endDate>2026-01-06T02:00:00</endDate>'
    )
    assert read_question(question(events(dates))) == Question(
        kind="events",
        email="bob@acme.test",
        start=datetime(2026, 1, 6, 1, tzinfo=UTC),
        end=datetime(2026, 1, 6, 2, tzinfo=UTC),
    )


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../UTC", "Europe", "x" * 5000])
def test_a_date_in_a_zone_that_nobody_knows_is_utc_and_says_so(zone: str) -> None:
    asked = question(events(f'<endDate timezone="{zone}">2026-01-05T09:00:00</endDate>'))
    assert read_question(asked) == Question(
        kind="events", email="bob@acme.test", end=datetime(2026, 1, 5, 9, tzinfo=UTC), zone_unknown=True
    )
    with_offset = question(events(f'<endDate timezone="{zone}">2026-01-05T09:00:00Z</endDate>'))
    assert not read_question(with_offset).zone_unknown


@pytest.mark.parametrize(
    "payload",
    [
        events(email=""),
        events(email="  "),
        events(email="a" * 321),
        '<events xmlns="urn:xmpp:calendar:0"/>',
        events("<startDate>tomorrow</startDate>"),
        events("<endDate>2026-13-01T00:00:00Z</endDate>"),
        events("<startDate>0001-01-01T00:00:00+14:00</startDate>"),
        events("<startDate>2026-01-06T00:00:00Z</startDate><endDate>2026-01-05T00:00:00Z</endDate>"),
    ],
)
def test_question_without_an_address_or_with_a_bad_date_is_malformed(payload: str) -> None:
    asked = question(payload)
    assert is_question(asked)
    with pytest.raises(MalformedQuestion):
        read_question(asked)


def test_question_with_an_endless_id_is_malformed() -> None:
    with pytest.raises(MalformedQuestion):
        read_question(question(events(), id_="x" * 1025))


@pytest.mark.parametrize(
    ("payload", "type_"),
    [
        (events(), "result"),
        ('<events xmlns="other" email="a"/>', "get"),
        ('<calendar xmlns="urn:xmpp:calendar:0" email="a"/>', "get"),
        ("", "get"),
    ],
)
def test_other_iqs_are_no_questions(payload: str, type_: str) -> None:
    asked = question(payload, type_)
    assert not is_question(asked)
    with pytest.raises(MalformedQuestion):
        read_question(asked)


def test_events_are_answered_in_the_form_of_the_sdk() -> None:
    asked = question(events(email="Bob@acme.test"))
    away = event(2, "Away", show_as="workingelsewhere", type="occurrence", end=START.replace(microsecond=999))
    written = events_result(asked, ME, read_question(asked), [event(timezone="Europe/Paris"), away])
    assert same(
        written,
        '<iq xmlns="jabber:client" to="calendar.rainbow.test" from="0a1b@rainbow.test/node_x" id="ev1" type="result">'
        '<events xmlns="urn:xmpp:calendar:0" email="Bob@acme.test">'
        '<event id="evt-1"><subject>Review</subject><type>singleInstance</type><showAs>busy</showAs>'
        '<startDate timezone="Europe/Paris">2026-01-05T09:00:00Z</startDate>'
        '<endDate timezone="Europe/Paris">2026-01-05T10:00:00Z</endDate></event>'
        '<event id="evt-2"><subject>Away</subject><type>occurrence</type><showAs>workingelsewhere</showAs>'
        "<startDate>2026-01-05T09:00:00Z</startDate><endDate>2026-01-05T09:00:00Z</endDate></event></events></iq>",
    )


def test_instants_are_written_in_utc() -> None:
    local = START.astimezone(timezone(timedelta(hours=2)))
    written = events_result(question(events()), ME, ASKED, [event(start=local)])
    assert "<startDate>2026-01-05T09:00:00Z</startDate>" in written


def test_no_events_are_an_empty_list() -> None:
    assert same(
        events_result(question(events()), ME, ASKED, []),
        '<iq xmlns="jabber:client" to="calendar.rainbow.test" from="0a1b@rainbow.test/node_x" id="ev1" type="result">'
        '<events xmlns="urn:xmpp:calendar:0" email="bob@acme.test"/></iq>',
    )


def subjects(written: str) -> list[str]:
    return [found.text or "" for found in etree.fromstring(written).iterfind(".//c:subject", NS)]


@given(st.text(min_size=1, max_size=255))
def test_any_subject_comes_through_escaped_once(subject: str) -> None:
    written = events_result(question(events()), ME, ASKED, [event(subject=subject)])
    assert subjects(written) == [printable(subject)]


def test_characters_that_xml_forbids_are_replaced() -> None:
    written = events_result(question(events()), ME, ASKED, [event(subject="a\x00b\x0b\ud800\uffff")])
    assert subjects(written) == ["a\ufffdb\ufffd\ufffd\ufffd"]


def test_text_escaped_twice_reads_as_the_sdk_writes_it() -> None:
    written = events_result(question(events()), ME, ASKED, [event(subject='R&D <"x">')], escape_twice=True)
    assert "<subject>R&amp;amp;D &amp;lt;&amp;quot;x&amp;quot;&amp;gt;</subject>" in written


TEXT = st.text(max_size=4000) | st.builds(lambda word, times: word * times, st.text(max_size=6), st.integers(0, 9000))


@given(st.lists(st.builds(event, st.integers(), TEXT), max_size=100), st.booleans(), st.text(max_size=320))
def test_no_list_of_events_is_too_long_for_a_stanza(
    given_events: list[CalendarEvent], escape_twice: bool, email: str
) -> None:
    asked = Question(kind="events", email=email)
    written = events_result(question(events()), ME, asked, given_events, escape_twice=escape_twice)
    assert len(written.encode()) <= MAX_STANZA
    kept = [found.get("id") for found in etree.fromstring(written).iterfind(".//c:event", NS)]
    assert kept == [each.id for each in given_events][: len(kept)]


def test_the_room_of_a_stanza_is_used() -> None:
    written = events_result(question(events()), ME, ASKED, [event(number) for number in range(1000)])
    one_more = len(events_result(question(events()), ME, ASKED, [event(100), event(101)])) - len(
        events_result(question(events()), ME, ASKED, [event(100)])
    )
    assert MAX_STANZA - one_more < len(written.encode()) <= MAX_STANZA


def test_automatic_reply_is_answered_in_the_form_of_the_sdk() -> None:
    asked = question('<autoreply xmlns="urn:xmpp:calendar:0" email="bob@acme.test"/>', id_="ar1")
    reply = AutoReply(
        state="scheduled",
        start=START,
        end=datetime(2026, 1, 9, 17, tzinfo=UTC),
        internal_text="Away & out",
        external_text="Away",
        audience="known",
    )
    assert same(
        auto_reply_result(asked, ME, read_question(asked), reply),
        '<iq xmlns="jabber:client" to="calendar.rainbow.test" from="0a1b@rainbow.test/node_x" id="ar1" type="result">'
        '<autoreply xmlns="urn:xmpp:calendar:0" state="scheduled" email="bob@acme.test">'
        "<startDate>2026-01-05T09:00:00Z</startDate><endDate>2026-01-09T17:00:00Z</endDate>"
        "<internalReplyMessage>Away &amp; out</internalReplyMessage>"
        '<externalReplyMessage audience="known">Away</externalReplyMessage></autoreply></iq>',
    )


def test_automatic_reply_that_is_off_says_only_that() -> None:
    assert same(
        auto_reply_result(question(""), ME, Question(kind="autoreply", email="a@b"), AutoReply(state="disabled")),
        '<iq xmlns="jabber:client" to="calendar.rainbow.test" from="0a1b@rainbow.test/node_x" id="ev1" type="result">'
        '<autoreply xmlns="urn:xmpp:calendar:0" state="disabled" email="a@b">'
        "<internalReplyMessage/></autoreply></iq>",
    )


def test_external_text_without_an_audience_has_no_attribute() -> None:
    reply = AutoReply(state="enabled", internal_text="a", external_text="b")
    written = auto_reply_result(question(""), ME, Question(kind="autoreply", email="a@b"), reply)
    assert "<externalReplyMessage>b</externalReplyMessage>" in written


def texts(written: str) -> list[str]:
    root = etree.fromstring(written)
    return [root.findtext(f".//c:{name}ReplyMessage", "", NS) for name in ("internal", "external")]


@given(TEXT, TEXT, st.booleans())
def test_no_texts_are_too_long_for_a_stanza(internal: str, external: str, escape_twice: bool) -> None:
    reply = AutoReply(state="enabled", internal_text=internal, external_text=external, audience="all")
    written = auto_reply_result(
        question(""), ME, Question(kind="autoreply", email="a@b"), reply, escape_twice=escape_twice
    )
    assert len(written.encode()) <= MAX_STANZA
    for sent, whole in zip(texts(written), (internal, external), strict=True):
        plain = unescape(sent, {"&quot;": '"', "&apos;": "'"}) if escape_twice else sent
        assert printable(whole).startswith(plain.removesuffix("\u2026"))


def test_a_short_text_leaves_its_room_to_the_long_one() -> None:
    reply = AutoReply(state="enabled", internal_text="word " * 5000, external_text="Away")
    written = auto_reply_result(question(""), ME, Question(kind="autoreply", email="a@b"), reply)
    internal, external = texts(written)
    assert external == "Away"
    assert internal.endswith("word\u2026")
    assert len(written.encode()) > MAX_STANZA - 100
