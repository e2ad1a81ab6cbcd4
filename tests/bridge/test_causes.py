"""Each error as an administrator reads it: the thing that is wrong and the next step."""

from datetime import UTC, datetime

import pytest

from rainbow_exchange.bridge.causes import exchange_cause, notify_cause, rainbow_cause
from rainbow_exchange.ews.errors import (
    EwsAuthenticationError,
    EwsConnectionError,
    EwsError,
    MalformedResponse,
    ResponseError,
    UnencodableText,
)
from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowAuthenticationError,
    RainbowConnectionError,
    RainbowError,
    RateLimited,
    UnexpectedAnswer,
)

EWS = "https://mail.acme.test/EWS/Exchange.asmx"
CLOUD = "https://openrainbow.test"


@pytest.mark.parametrize(
    ("error", "problem", "thing", "step"),
    [
        (EwsAuthenticationError(401, ("Basic",)), "exchange-authentication", "mail.acme.test", "exchange.password"),
        (EwsAuthenticationError(401), "exchange-authentication", "no scheme", "exchange.username"),
        (EwsAuthenticationError(403), "exchange-forbidden", "mail.acme.test", "EwsEnabled"),
        (EwsConnectionError("name"), "exchange-name-unknown", "mail.acme.test", "exchange.url"),
        (EwsConnectionError("refused"), "exchange-unreachable", EWS, "exchange.url"),
        (EwsConnectionError("tls", "self-signed"), "exchange-certificate", "self-signed", "exchange.ca_file"),
        (EwsConnectionError("tls"), "exchange-certificate", "verification failed", "exchange.ca_file"),
        (EwsConnectionError("timeout"), "exchange-unreachable", "in time", "firewalls"),
        (EwsConnectionError("http-404"), "exchange-not-ews", EWS, "/EWS/Exchange.asmx"),
        (EwsConnectionError("not-ews", "a web page"), "exchange-not-ews", "a web page", "/EWS/Exchange.asmx"),
        (EwsConnectionError("http-302", "to /owa/auth/logon.aspx"), "exchange-not-ews", "/owa/auth", "exchange.url"),
        (EwsConnectionError("http-405"), "exchange-not-ews", EWS, "exchange.url"),
        (EwsConnectionError("http-503"), "exchange-unreachable", "http-503", "by itself"),
        (EwsConnectionError("closed", "mid-answer"), "exchange-unreachable", "closed (mid-answer)", "by itself"),
        (MalformedResponse("no body"), "exchange-not-ews", EWS, "exchange.url"),
        (ResponseError("ErrorServerBusy"), "exchange-error", "ErrorServerBusy", "by itself"),
        (UnencodableText("x"), "exchange-error", "UnencodableText", "by itself"),
    ],
)
def test_what_is_wrong_with_exchange(error: EwsError, problem: str, thing: str, step: str) -> None:
    cause = exchange_cause(error, EWS)
    assert cause.id == problem
    assert thing in cause.text
    assert step in cause.action


@pytest.mark.parametrize(
    ("error", "problem", "thing", "step"),
    [
        (RainbowAuthenticationError(401500), "rainbow-authentication", "401500", "rainbow.password"),
        (RainbowAuthenticationError(401501), "rainbow-authentication", "locked", "unlocked"),
        (RainbowAuthenticationError(401521), "rainbow-authentication", "not active", "company"),
        (RainbowAuthenticationError(401523), "rainbow-authentication", "expired", "another account"),
        (RainbowAuthenticationError(403), "rainbow-unexpected-answer", "not as Rainbow does", "rainbow.url"),
        (RainbowConnectionError("name"), "rainbow-unreachable", "openrainbow.test", "rainbow.url"),
        (RainbowConnectionError("tls", "self-signed"), "rainbow-unreachable", "self-signed", "proxy"),
        (RainbowConnectionError("tls"), "rainbow-unreachable", "verification failed", "proxy"),
        (RainbowConnectionError("proxy", "407"), "rainbow-unreachable", "407", "rainbow.proxy_password"),
        (RainbowConnectionError("refused"), "rainbow-unreachable", "refused", "443"),
        (RateLimited(29.5), "rainbow-rate-limited", "wait 30 s.", "by itself"),
        (RateLimited(75_000), "rainbow-rate-limited", "wait 20 h 50 min.", "retry --all"),
        (RainbowApiError(404, 404000, "no company"), "rainbow-company-unknown", "c1", "rainbow.company_id"),
        (RainbowApiError(403, 403000), "rainbow-company-unknown", "c1", "administrator"),
        (RainbowApiError(500, 500000, "boom"), "rainbow-error", "boom", "by itself"),
        (UnexpectedAnswer("not JSON"), "rainbow-unexpected-answer", "not JSON", "rainbow.url"),
        (RainbowError("no answer in time"), "rainbow-error", "no answer in time", "by itself"),
    ],
)
def test_what_is_wrong_with_rainbow(error: RainbowError, problem: str, thing: str, step: str) -> None:
    cause = rainbow_cause(error, CLOUD, company_id="c1")
    assert cause.id == problem
    assert thing in cause.text
    assert step in cause.action


def test_a_locked_account_is_said_to_be_so_until_when() -> None:
    opens = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
    cause = rainbow_cause(RainbowAuthenticationError(401501), CLOUD, retry_at=opens)
    assert cause.text == (
        "Rainbow at openrainbow.test refuses the sign-in: the account is locked, for 60 minutes by default after five"
        " wrong passwords (401501). It is tried again by itself at 2026-03-02 09:05 UTC."
    )
    assert "Nothing is tried before that time" in cause.action


def test_a_refused_notify_is_not_taken_for_a_refused_listing() -> None:
    cause = notify_cause(RainbowApiError(403, 403000, "no connector"), CLOUD, company_id="c1")
    assert cause.id == "rainbow-notify-refused"
    assert "told of calendar changes in company c1" in cause.text
    assert "no connector" in cause.text
    assert "connector" in cause.action
    assert notify_cause(RainbowConnectionError("refused"), CLOUD).id == "rainbow-unreachable"


def test_the_accounts_own_company_is_called_so() -> None:
    assert "(its own)" in rainbow_cause(RainbowApiError(404, 404000), CLOUD).text


def test_the_servers_own_text_is_never_repeated() -> None:
    cause = exchange_cause(ResponseError("ErrorAccessDenied", "Zugriff auf Müllers Kalender"), EWS)
    assert "Müller" not in cause.text + cause.action
