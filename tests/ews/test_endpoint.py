from datetime import UTC, datetime

import pytest

from rainbow_exchange.errors import UserError
from rainbow_exchange.ews.endpoint import check_url, is_web_page, not_ews, refusal, request_headers
from rainbow_exchange.ews.grouping import Affinity
from rainbow_exchange.ews.types import ConnectingSid


def now() -> datetime:
    return datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "url",
    [
        "https://mail.acme.test/EWS/Exchange.asmx",
        "http://127.0.0.1:8080/EWS/Exchange.asmx",
        "http://localhost/EWS/Exchange.asmx",
        "http://[::1]:80/x",
    ],
)
def test_credentials_may_be_sent_over_tls_or_within_the_machine(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://mail.acme.test/EWS/Exchange.asmx", "mail.acme.test"),
        ("http://127.0.0.1.acme.test/", "use https"),
        ("ftp://mail.acme.test/", "Exchange.asmx"),
        ("mail.acme.test", "Exchange.asmx"),
        ("https:///EWS", "Exchange.asmx"),
        ("https://mail.acme.test:port/", "no http"),
        ("https://mail..acme.test/EWS/Exchange.asmx", "the name of a server"),
        ("https://mail\u200b.acme.test/EWS/Exchange.asmx", "the name of a server"),
        ("https://svc:hush@mail.acme.test/", "exchange.password"),
    ],
)
def test_any_other_url_is_refused_with_the_next_step(url: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        check_url(url)
    assert "hush" not in str(raised.value)


def test_each_request_can_be_traced() -> None:
    first, second = request_headers(None, None, None), request_headers(None, None, None)
    assert first["client-request-id"] != second["client-request-id"]
    assert first["return-client-request-id"] == "true"
    assert first["Content-Type"] == "text/xml; charset=utf-8"
    assert first["User-Agent"].startswith("rainbow-exchange/")
    assert "X-AnchorMailbox" not in first


def test_the_anchor_is_the_groups_or_the_one_named_or_the_impersonated_address() -> None:
    address = ConnectingSid(kind="PrimarySmtpAddress", value="a@acme.test")
    sid = ConnectingSid(kind="SID", value="S-1-5-21")
    assert request_headers(address, None, None)["X-AnchorMailbox"] == "a@acme.test"
    assert "X-AnchorMailbox" not in request_headers(sid, None, None)
    assert request_headers(sid, "b@acme.test", None)["X-AnchorMailbox"] == "b@acme.test"
    grouped = request_headers(address, "b@acme.test", Affinity("c@acme.test", {"one": "1"}))
    assert (grouped["X-AnchorMailbox"], grouped["Cookie"]) == ("c@acme.test", "one=1")


@pytest.mark.parametrize(
    ("status", "headers", "kind", "said", "retry_after"),
    [
        (302, {"Location": "/owa/auth/logon.aspx?url=secret"}, "http-302", "/owa/auth/logon.aspx: not followed", None),
        (302, {}, "http-302", "nowhere", None),
        (302, {"Location": "https://Owa.acme.test:444/owa/"}, "http-302", "to https://owa.acme.test/owa/: not", None),
        (302, {"Location": "/secret/path"}, "http-302", "to another path: not", None),
        (302, {"Location": "https://[secret"}, "http-302", "to what is no address: not", None),
        (404, {}, "http-404", "/EWS/Exchange.asmx", None),
        (503, {"Retry-After": "120"}, "http-503", "Service Unavailable", 120),
        (429, {"Retry-After": "Mon, 02 Mar 2026 08:01:00 GMT"}, "http-429", "Too Many", 60),
        (503, {"Retry-After": "Mon, 02 Mar 2026 07:00:00 GMT"}, "http-503", "503", 0),
        (503, {"Retry-After": "Mon, 02 Mar 2026 08:01:00"}, "http-503", "503", None),
        (503, {"Retry-After": "soon"}, "http-503", "503", None),
        (503, {"Retry-After": "9" * 400}, "http-503", "503", 86_400),
        (503, {"Retry-After": "Mon, 02 Mar 9999 08:01:00 GMT"}, "http-503", "503", 86_400),
        (503, {"Retry-After": "Mon, 02 Mar 99999999999999999999 08:01:00 GMT"}, "http-503", "503", None),
        (503, {}, "http-503", "503", None),
        (500, {"Retry-After": "120"}, "http-500", "Internal Server Error", None),
        (440, {}, "http-440", "mail:443 answered 440", None),
    ],
)
def test_a_status_without_soap_says_what_it_means(
    status: int, headers: dict[str, str], kind: str, said: str, retry_after: float | None
) -> None:
    error = refusal(status, headers.get, host="mail:443", now=now)
    assert error.kind == kind
    assert said in error.detail
    assert "secret" not in error.detail
    assert error.retry_after == retry_after


def test_a_web_page_is_known_by_its_beginning() -> None:
    assert is_web_page(b"\xef\xbb\xbf\r\n<!DOCTYPE html><html>")
    assert is_web_page(b"<HTML>")
    assert not is_web_page(b"<s:Envelope>")
    assert not_ews("mail:443").kind == "not-ews"


def test_where_a_server_redirects_to_is_shown_without_harm() -> None:
    target = "https://u:pw@x/\x1b]0;PWN\x07" + "A" * 6000
    error = refusal(302, {"Location": target}.get, host="mail:443", now=now)
    assert error.detail == (
        "mail:443 answered 302 Found, to https://x: not followed; the address of EWS is usually"
        " https://<server>/EWS/Exchange.asmx"
    )
