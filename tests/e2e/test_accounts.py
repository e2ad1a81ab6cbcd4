"""Signing in to Exchange as processes: stock schemes, a wrong password across restarts, a second account."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e]

STOCK = ["--tls", "--dial", 'auth_schemes=["Negotiate", "NTLM"]', "--dial", "extended_protection=require"]


def outcomes(lab: Any) -> list[str]:
    return [attempt["outcome"] for attempt in lab.exchange("GET", "/lab/attempts")]


def test_stock_exchange_with_extended_protection_is_signed_in_to_at_the_first_try(
    world: Any, person: Callable[..., dict[str, Any]]
) -> None:
    lab = world.lab([person("ada")], *STOCK)
    shown = world.connector(lab, EXCHANGE__USERNAME="ACME\\svc-rainbow").healthy(streamed=1)
    assert shown["exchange"]["account"] == "ACME\\svc-rainbow"


def test_a_wrong_password_is_one_attempt_over_restarts_until_it_is_changed(
    world: Any, person: Callable[..., dict[str, Any]], eventually: Callable[..., Any]
) -> None:
    lab = world.lab([person("ada")], "--dial", 'auth_schemes=["Negotiate", "NTLM"]')
    first = world.connector(lab, EXCHANGE__PASSWORD="wrong")
    assert "not tried again" in first.problem("exchange-authentication")["action"]
    assert first.stop() == 0
    again = world.connector(lab, EXCHANGE__PASSWORD="wrong")
    again.problem("exchange-authentication")
    assert outcomes(lab) == ["challenged", "wrong password"]
    again.retry()
    eventually(lambda: outcomes(lab).count("wrong password") == 2, "the attempt that was asked for")
    assert again.stop() == 0

    world.connector(lab).healthy(streamed=1)
    assert outcomes(lab).count("wrong password") == 2


def test_the_second_account_takes_over_and_is_named(world: Any, person: Callable[..., dict[str, Any]]) -> None:
    lab = world.lab([person("ada")], "--dial", 'service_accounts=["second"]')
    connector = world.connector(
        lab,
        EXCHANGE__PASSWORD="wrong",
        EXCHANGE__FALLBACK_USERNAME="second",
        EXCHANGE__FALLBACK_PASSWORD=lab.addresses["exchange"]["password"],
    )
    problem = connector.problem("exchange-fallback-account")
    assert "The account svc-rainbow is refused; second is used in its place" in problem["text"]
    assert connector.status()["exchange"]["account"] == "second"
    assert outcomes(lab).count("wrong password") == 1


def test_an_account_locked_in_mid_run_is_replaced_and_changes_are_still_told(
    world: Any, person: Callable[..., dict[str, Any]], eventually: Callable[..., Any], soon: Callable[[float], datetime]
) -> None:
    lab = world.lab(
        [person("ada")],
        *("--dial", 'service_accounts=["second"]', "--dial", 'auth_schemes=["NTLM"]', "--dial", "lock_out_after=5"),
    )
    connector = world.connector(
        lab,
        EXCHANGE__FALLBACK_USERNAME="second",
        EXCHANGE__FALLBACK_PASSWORD=lab.addresses["exchange"]["password"],
    )
    assert connector.healthy(streamed=1)["exchange"]["account"] == "svc-rainbow"

    lab.exchange("POST", "/lab/dials", {"locked_accounts": ["svc-rainbow"]})
    lab.exchange("DELETE", "/lab/connections")
    lab.exchange("POST", "/lab/streams", {"order": "drop"})
    problem = connector.problem("exchange-fallback-account")
    assert "locked" in problem["action"]

    def held_by_the_second() -> bool:
        held = lab.exchange("GET", "/lab/subscriptions")["subscriptions"]
        return any(each["account"] == "second" and each["streamed"] for each in held)

    eventually(held_by_the_second, "a stream of the second account")
    assert connector.status()["mailboxes"]["streamed"] == 1
    busy = {"start": soon(-10).isoformat(), "end": soon(30).isoformat(), "subject": "x"}
    lab.exchange("POST", "/lab/mailboxes/ada@acme.test/items", busy)
    eventually(lambda: connector.status()["changes"]["told"] >= 1, "a change that is told")
    assert outcomes(lab).count("locked") == 1, "the locked account is left alone"


def test_client_id_and_secret_with_a_token_address_sign_in_by_a_token(
    world: Any, person: Callable[..., dict[str, Any]], eventually: Callable[..., Any]
) -> None:
    lab = world.lab([person("ada")], "--dial", 'auth_schemes=["Bearer"]')
    side = lab.addresses["exchange"]
    settings = {
        "EXCHANGE__USERNAME": "",
        "EXCHANGE__PASSWORD": "",
        "EXCHANGE__TOKEN_URL": side["token_url"],
        "EXCHANGE__CLIENT_ID": side["client_id"],
    }
    wrong = world.connector(lab, **settings, EXCHANGE__CLIENT_SECRET="wrong")
    problem = wrong.problem("exchange-authentication")
    assert "invalid_client" in problem["text"]
    assert "exchange.client_secret" in problem["action"]
    assert wrong.stop() == 0

    right = world.connector(lab, **settings, EXCHANGE__CLIENT_SECRET=side["client_secret"])
    shown = right.healthy(streamed=1)
    assert shown["exchange"]["account"] == f"client {side['client_id']} (token from 127.0.0.1)"
    lab.exchange("DELETE", "/lab/tokens")
    lab.exchange("POST", "/lab/streams", {"order": "drop"})
    eventually(lambda: outcomes(lab).count("bad token") >= 1, "a token that was refused")
    right.healthy(streamed=1)
    fetched = [each["outcome"] for each in lab.exchange("GET", "/lab/attempts") if each["scheme"] == "token"]
    assert fetched == ["wrong password", "accepted", "accepted"]


def test_client_id_and_secret_alone_are_user_name_and_password(
    world: Any, person: Callable[..., dict[str, Any]]
) -> None:
    lab = world.lab([person("ada")], "--dial", 'auth_schemes=["Negotiate", "NTLM"]')
    side = lab.addresses["exchange"]
    connector = world.connector(
        lab,
        EXCHANGE__USERNAME="",
        EXCHANGE__PASSWORD="",
        EXCHANGE__CLIENT_ID=side["username"],
        EXCHANGE__CLIENT_SECRET=side["password"],
    )
    shown = connector.healthy(streamed=1)
    assert shown["exchange"]["account"] == "svc-rainbow (client id, taken as user name)"


def test_basic_that_is_off_is_named(world: Any, person: Callable[..., dict[str, Any]]) -> None:
    lab = world.lab([person("ada")], "--dial", 'auth_schemes=["Negotiate", "NTLM"]')
    problem = world.connector(lab, EXCHANGE__AUTH="basic").problem("exchange-authentication")
    assert "Basic authentication is off on Exchange" in problem["text"]
    assert "exchange.auth to auto" in problem["action"]


def test_behind_a_balancer_that_spreads_requests_it_is_suspected(
    world: Any, person: Callable[..., dict[str, Any]]
) -> None:
    lab = world.lab([person("ada")], "--dial", 'auth_schemes=["NTLM"]', "--dial", "balanced_per_request=true")
    assert "load balancer" in world.connector(lab).problem("exchange-authentication")["action"]


def test_rainbows_wrong_password_is_one_attempt_over_restarts_until_it_is_changed(
    world: Any, person: Callable[..., dict[str, Any]], eventually: Callable[..., Any]
) -> None:
    lab = world.lab([person("ada")])

    def logins() -> int:
        requests = lab.rainbow("GET", "/lab/requests?only=requests")["requests"]
        return len([entry for entry in requests if entry["path"].endswith("/login")])

    first = world.connector(lab, RAINBOW__PASSWORD="wrong")
    first.problem("rainbow-authentication")
    assert first.stop() == 0
    again = world.connector(lab, RAINBOW__PASSWORD="wrong")
    again.problem("rainbow-authentication")
    assert logins() == 1
    again.retry()
    eventually(lambda: logins() == 2, "the login that was asked for")
    assert again.stop() == 0
    world.connector(lab).healthy(1)
    assert logins() == 3
