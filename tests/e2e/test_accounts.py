"""Signing in to Exchange as processes: stock schemes, a wrong password across restarts, a second account."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

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
    for _ in range(3):
        connector = world.connector(lab, EXCHANGE__PASSWORD="wrong")
        problem = connector.problem("exchange-authentication")
        assert "not tried again" in problem["action"]
        assert connector.stop() == 0
    assert outcomes(lab) == ["challenged", "wrong password"]

    again = world.connector(lab, EXCHANGE__PASSWORD="wrong")
    again.problem("exchange-authentication")
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
