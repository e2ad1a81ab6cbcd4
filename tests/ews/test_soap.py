import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from rainbow_exchange.ews.errors import ConnectionLimitReached, EwsError, MalformedResponse, ResponseError, ServerBusy
from rainbow_exchange.ews.operations.subscribe import Subscribe, parse
from rainbow_exchange.ews.soap import build, open_envelope
from rainbow_exchange.ews.types import ConnectingSid

FIXTURES = Path(__file__).parents[2] / "fixtures" / "ews"
WHOLE = (FIXTURES / "Exchange2019/subscribe/success.xml").read_bytes()
SOAP = b'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'


def text(subject: bytes) -> str | None:
    """Open an envelope around one text and give that text back."""
    data = b"<s:Envelope %s><s:Body><m xmlns='m'>%s</m></s:Body></s:Envelope>" % (SOAP, subject)
    return open_envelope(data).body_element[0].text


def refused(data: bytes) -> ResponseError:
    with pytest.raises(ResponseError) as raised:
        open_envelope(data)
    return raised.value


def fault(inside: bytes) -> ResponseError:
    return refused(b"<s:Envelope %s><s:Body><s:Fault>%s</s:Fault></s:Body></s:Envelope>" % (SOAP, inside))


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_header_says_version_and_then_whom_to_impersonate() -> None:
    data = build(Subscribe(), impersonate=ConnectingSid(kind="PrimarySmtpAddress", value="ada@acme.test"))
    assert data.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    header = etree.fromstring(data)[0]
    assert [etree.QName(part).localname for part in header] == ["RequestServerVersion", "ExchangeImpersonation"]
    assert header[0].get("Version") == "Exchange2013_SP1"
    assert [etree.QName(part).localname for part in header[1].iter()] == [
        "ExchangeImpersonation",
        "ConnectingSID",
        "PrimarySmtpAddress",
    ]


def test_the_version_can_be_lowered() -> None:
    assert b'Version="Exchange2010_SP1"' in build(Subscribe(), server_version="Exchange2010_SP1")
    assert b"ExchangeImpersonation" not in build(Subscribe())


# ── what is read ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_servers_build_is_read() -> None:
    assert open_envelope(WHOLE).server_version == "15.2.1544.9"
    bare = b"<Envelope><Header><ServerVersionInfo Version='Exchange2010'/></Header><Body/></Envelope>"
    assert open_envelope(bare).server_version == "Exchange2010"
    assert open_envelope(b"<Envelope><Header/><Body/></Envelope>").server_version is None


def test_what_stands_around_the_envelope_is_tolerated() -> None:
    for data in (
        b"\xef\xbb\xbf" + WHOLE,
        b"\r\n " + WHOLE,
        WHOLE + b"\0\0\0",
        WHOLE + b"\r\n\0 ",
        b" \xef\xbb\xbf\n" + WHOLE,
    ):
        assert parse(open_envelope(data).body_element).subscription_id == "FABtYnguYWNtZS50ZXN0AQ=="


@pytest.mark.parametrize("prefix", [b"", b"s:", b"soap:", b"soap11:", b"SOAP-ENV:"])
def test_any_prefix_will_do(prefix: bytes) -> None:
    data = WHOLE.replace(b"s:Envelope", prefix + b"Envelope").replace(b"s:Header", prefix + b"Header")
    data = data.replace(b"s:Body", prefix + b"Body")
    declared = b"xmlns:%s=" % prefix.rstrip(b":") if prefix else b"xmlns="
    data = data.replace(b"xmlns:s=", declared)
    assert parse(open_envelope(data).body_element).subscription_id == "FABtYnguYWNtZS50ZXN0AQ=="


@pytest.mark.parametrize("at", [1, 40, 200, 400, len(WHOLE) // 2, len(WHOLE) - 2])
def test_half_an_envelope_is_no_answer(at: int) -> None:
    with pytest.raises(MalformedResponse):
        open_envelope(WHOLE[:at])


@given(st.integers(min_value=0, max_value=len(WHOLE.rstrip()) - 1))
def test_no_beginning_of_an_envelope_is_an_answer(length: int) -> None:
    with pytest.raises(MalformedResponse):
        open_envelope(WHOLE[:length])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0",
        b"Service Unavailable",
        b"<html><body><h1>504 Gateway Time-out</h1></body></html>",
        b"<!DOCTYPE html><html></html>",
        WHOLE + WHOLE,
        WHOLE + b"<html/>",
        b"<Envelope/>",
        b"<Envelope><Header/></Envelope>",
        WHOLE.decode().encode("utf-16"),
        WHOLE.replace(b'encoding="utf-8"', b'encoding="utf-7"').replace(
            b"<s:Envelope", b"+ADwAIQ-DOCTYPE x+AD4-<s:Envelope"
        ),
    ],
)
def test_what_is_no_envelope_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedResponse):
        open_envelope(data)


def test_a_document_type_is_refused_before_it_can_do_anything() -> None:
    entities = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10 if n else b"lol") for n in range(10))
    bomb = b'<?xml version="1.0"?>\n<!-- x -->\n<!DOCTYPE x [%s]>\n<s:Envelope %s><s:Body>&e9;</s:Body></s:Envelope>'
    with pytest.raises(MalformedResponse, match="document type"):
        open_envelope(bomb % (entities, SOAP))
    with pytest.raises(MalformedResponse, match="document type"):
        open_envelope(b"<!DOCTYPE x SYSTEM 'file:///etc/hostname'><Envelope><Body/></Envelope>")


def test_the_words_of_a_document_type_in_a_text_are_a_text() -> None:
    assert text(b"<![CDATA[<!DOCTYPE html>]]>") == "<!DOCTYPE html>"


def test_too_much_is_refused() -> None:
    with pytest.raises(MalformedResponse, match="more than 100 bytes"):
        open_envelope(WHOLE, max_size=100)
    with pytest.raises(MalformedResponse):
        text(b"x" * 11_000_000)  # one text
    with pytest.raises(MalformedResponse):
        text(b"<a>" * 300 + b"</a>" * 300)  # depth


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"a&#x1A;b", "a\ufffdb"),
        (b"&#x0;&#0;&#00;&#x00;", "\ufffd\ufffd\ufffd\ufffd"),
        (b"&#x8;&#xb;&#xC;&#xe;&#x1F;&#31;", "\ufffd" * 6),
        (b"&#xD800;&#xDFFF;&#xFFFE;&#xFFFF;&#x110000;", "\ufffd" * 5),
        (b"&#9999999999999999999999999;", "\ufffd"),
        (b"&#x" + b"0" * 100 + b"41;", "\ufffd"),
        (b"&#x9;&#xA;&#xD;&#x20;&#x41;&#66;&#x1F600;&amp;", "\t\n\r AB😀&"),
        (b"&amp;#x1;", "&#x1;"),
    ],
)
def test_references_to_forbidden_characters_are_replaced_and_others_kept(written: bytes, read: str) -> None:
    assert text(written) == read


def test_control_characters_and_broken_utf8_that_servers_write_as_they_are_do_not_spoil_an_answer() -> None:
    assert text(b"a\x01b\xc3\xa9") == "a\ufffdbé"
    assert text(b"caf\xe9") == "caf\ufffd"
    assert text(b"a\0b") == "a\ufffdb"
    with pytest.raises(MalformedResponse):
        text(b"a\x01b<")


def test_comments_and_processing_instructions_are_not_in_the_way() -> None:
    assert text(b"a<!-- b -->c<?d e?>f") == "acf"


def test_recorded_forbidden_references_are_replaced(shared: Path) -> None:
    samples = shared / "ews" / "samples"
    item = open_envelope((samples / "GetItem__viewpoint_invalid_charrefs.xml").read_bytes()).body_element
    assert next(item.iter("{*}Subject")).text == "Invalid character"
    words = next(item.iterdescendants("{*}Body")).text
    assert words == "Invalid characters: " + "\ufffd " * 29
    line = (samples / "fragments/subject_with_invalid_charref.xml").read_bytes().strip()
    subject = open_envelope(b"<Envelope><Body>%s</Body></Envelope>" % line).body_element[0]
    assert subject.text == "Pendencia(s) COVSB600 - PV 1582 - CONVENIO 975300 - CASEBR\ufffdS CAIXA ASSIS"


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_recorded_faults_are_told_by_their_code(shared: Path) -> None:
    samples = shared / "ews" / "samples"
    busy = refused((samples / "Fault__davmail_L110.xml").read_bytes())
    assert isinstance(busy, ServerBusy)
    assert busy.back_off == 297.749
    assert busy.fault
    limit = refused((samples / "Fault__ews-rs_L390.xml").read_bytes())
    assert isinstance(limit, ConnectionLimitReached)
    assert limit.values["Policy"] == "MaxConcurrency"
    assert limit.values["MaxConcurrencyLimit"] == "27"
    unknown = refused((samples / "fragments/fault_localised_zh_cn.xml").read_bytes())
    assert unknown.code == "ErrorNonExistentMailbox"
    assert unknown.values == {"SmtpAddress": "nobody@example.com"}
    assert unknown.text == "SMTP 地址没有与其关联的邮箱。"


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        (b"<faultcode>a:ErrorServerBusy</faultcode>", "ErrorServerBusy"),
        (b"<faultcode> t:ErrorAccessDenied\n</faultcode><detail/>", "ErrorAccessDenied"),
        (b"<faultcode>soap:Client</faultcode><faultstring>bad</faultstring>", "Client"),
        (b"<faultcode>a:InternalServiceFault</faultcode>", "InternalServiceFault"),
        (b"<faultcode>s:Server</faultcode><detail><x><ResponseCode>ErrorX</ResponseCode></x></detail>", "ErrorX"),
        (b"<s:faultcode>a:ErrorServerBusy</s:faultcode><s:detail/>", "ErrorServerBusy"),
        (b"<Code><Value>s:Sender</Value><Subcode><Value>t:ErrorX</Value></Subcode></Code>", "ErrorX"),
        (b"<Code><Value>s:Receiver</Value></Code><Reason><Text>no</Text></Reason>", "Receiver"),
        (b"<s:Detail><ResponseCode>ErrorADUnavailable</ResponseCode></s:Detail>", "ErrorADUnavailable"),
        (b"<faultcode>s:Client</faultcode><faultstring>A.AccessDeniedException: no</faultstring>", "ErrorAccessDenied"),
        (b"<faultcode>s:Client</faultcode><faultstring>no AccessDeniedException</faultstring>", "Client"),
        (b"", "no ResponseCode"),
    ],
)
def test_a_fault_in_any_shape_has_its_code(inside: bytes, code: str) -> None:
    assert fault(inside).code == code


@pytest.mark.parametrize(
    "place",
    [
        b"<detail><MessageXml><Value Name='BackOffMilliseconds'>7000</Value></MessageXml></detail>",
        b"<detail><t:MessageXml xmlns:t='t'><t:Value Name='BackOffMilliseconds'>7000</t:Value></t:MessageXml></detail>",
        b"<detail><x><MessageXml><Value Name='BackOffMilliseconds'>7000</Value></MessageXml></x></detail>",
        b"<detail><Value Name='BackOffMilliseconds'>7000</Value></detail>",
    ],
)
def test_the_back_off_is_found_wherever_it_stands(place: bytes) -> None:
    error = fault(b"<faultcode>a:ErrorServerBusy</faultcode>" + place)
    assert isinstance(error, ServerBusy)
    assert error.back_off == 7.0


def test_busy_without_a_hint_names_none() -> None:
    error = fault(b"<faultcode>a:ErrorServerBusy</faultcode><faultstring>Suggested backoff time 0 ms.</faultstring>")
    assert isinstance(error, ServerBusy)
    assert error.back_off is None


def test_recorded_autodiscover_answers_are_no_ews_answers(shared: Path) -> None:
    samples = shared / "ews" / "samples"
    envelope = open_envelope((samples / "GetUserSettings__ews-javascript-api_L409.xml").read_bytes())
    assert envelope.server_version == "15.1.49.12"
    with pytest.raises(MalformedResponse, match="no answer to Subscribe"):
        parse(envelope.body_element)
    for name in ("POX_Autodiscover__ews-cpp_ok.xml", "POX_Autodiscover__ews-cpp_error.xml"):
        with pytest.raises(MalformedResponse, match="<Autodiscover> instead of an Envelope"):
            open_envelope((samples / name).read_bytes())


def test_a_head_of_http_is_no_answer(shared: Path) -> None:
    """Recorded response heads, and the head of a stream with the beginning of its first envelope."""
    fragments = shared / "ews" / "samples" / "fragments"
    for name in ("http_headers_e2019_onprem", "stream_e2010_http_headers"):
        with pytest.raises(MalformedResponse):
            open_envelope((fragments / f"{name}.txt").read_bytes())


@given(st.binary(max_size=300) | st.text("<>/&#x0;:Envlop sBdyFaut=\"'![]-?", max_size=80).map(str.encode))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    """No other kind of error leaves, whatever a server sends."""
    for whole in (data, b"<Envelope><Body>%s</Body></Envelope>" % data):
        try:
            open_envelope(whole)
        except EwsError as error:
            assert isinstance(error, MalformedResponse | ResponseError)  # noqa: PT017 - both are right, others fly


def test_no_answer_makes_those_after_it_slower() -> None:
    def small() -> float:
        begin = time.process_time()
        for _ in range(500):
            open_envelope(WHOLE)
        return time.process_time() - begin

    before = small()
    declared = b"<m xmlns:x='1'/>" * 100_000
    open_envelope(b"<s:Envelope %s><s:Body>%s</s:Body></s:Envelope>" % (SOAP, declared))
    assert small() < 3 * before + 0.01
