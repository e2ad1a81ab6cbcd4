"""The end of the service account's password: read from the lab's Exchange over sockets, on virtual time."""

import asyncio
from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.testing import capture_logs

from rainbow_exchange.bridge.password import PasswordWatch
from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.logins import Login
from rainbow_exchange.ews.operations.get_password_expiration_date import GetPasswordExpirationDate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.bridge.conftest import Exchange, Kit, MakeExchange

DAY = 86400.0
READ = "GetPasswordExpirationDate"


def watch(kit: "Kit", exchange: "Exchange", username: str = "ACME\\svc-rainbow") -> PasswordWatch:
    return PasswordWatch(
        exchange.client,
        account=lambda: username,
        settings={username: "exchange.password"},
        now=kit.now,
        random=kit.half,
    )


# the tests' clock begins on 2026-03-02 at 08:00
@pytest.mark.parametrize(
    ("expires", "severity", "text"),
    [
        ("2026-03-16T08:00:05Z", None, ""),
        ("2026-03-16T08:00:00Z", "notice", "expires on 2026-03-16 at 08:00 UTC, in 14 days"),
        ("2026-03-09T20:00:00Z", "notice", "expires on 2026-03-09 at 20:00 UTC, in 8 days"),
        ("2026-03-09T08:00:00Z", "warning", "expires on 2026-03-09 at 08:00 UTC, in 7 days"),
        ("2026-03-04T00:00:00Z", "warning", "expires on 2026-03-04 at 00:00 UTC, in 2 days"),
        ("2026-03-03T08:00:00Z", "error", "expires on 2026-03-03 at 08:00 UTC, in 1 day"),
        ("2026-03-02T07:00:00Z", "error", "has expired on 2026-03-02 at 07:00 UTC"),
        ("9999-12-31T23:59:59.9999999Z", None, ""),
        ("0001-01-01T00:00:00Z", None, ""),
        ("", None, ""),
    ],
)
async def test_it_is_said_in_time(
    kit: "Kit", make_exchange: "MakeExchange", expires: str, severity: str | None, text: str
) -> None:
    exchange = await make_exchange(password_expires=expires)
    password = watch(kit, exchange)
    async with kit.running(password.run()):
        await kit.until(lambda: exchange.requests(READ))
        await asyncio.sleep(1)
        ending = password.ending()
    if severity is None:
        assert ending is None
        return
    assert ending is not None
    assert ending.severity == severity
    assert ending.text == f"The password of the Exchange account ACME\\svc-rainbow {text}. Without it nothing works."
    assert ending.action == (
        "Change it in Active Directory, give the new one as exchange.password, and restart; or have the account's"
        " password never expire."
    )


async def test_it_is_read_daily_and_time_alone_makes_it_worse(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(password_expires="2026-03-17T08:00:00Z")
    password = watch(kit, exchange)
    async with kit.running(password.run()):
        await asyncio.sleep(60)
        assert password.ending() is None
        await asyncio.sleep(1.5 * DAY)
        assert len(exchange.requests(READ)) == 2
        ending = password.ending()
        assert ending is not None
        assert (ending.severity, "in 14 days" in ending.text) == ("notice", True)
        exchange.lab.dials.turn({"password_expires": "2026-06-30T08:00:00Z"})
        await asyncio.sleep(DAY)
        assert password.ending() is None


async def test_a_server_that_does_not_know_is_noted_once(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(unknown_operations=[READ])
    password = watch(kit, exchange)
    structlog.reset_defaults()
    with capture_logs() as logs:
        async with kit.running(password.run()):
            await asyncio.sleep(2.5 * DAY)
    assert len(exchange.requests(READ)) == 1 + 3  # once by the lower version, too
    assert password.ending() is None
    assert [
        (line["log_level"], line["reason"]) for line in logs if line["event"] == "password_expiration_not_told"
    ] == [("info", "ErrorInvalidRequest")]


async def test_a_reading_that_fails_is_tried_again_within_the_hour(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(
        password_expires="2026-03-05T08:00:00Z", faults={READ: "ErrorInternalServerTransientError"}
    )
    password = watch(kit, exchange)
    async with kit.running(password.run()):
        await asyncio.sleep(60)
        assert password.ending() is None
        exchange.lab.dials.turn({"faults": {}})
        await asyncio.sleep(3700)
        ending = password.ending()
    assert ending is not None
    assert ending.severity == "warning"


async def test_a_user_name_that_is_no_primary_address_does_not_matter(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange(password_expires="2026-03-05T08:00:00Z")
    password = watch(kit, exchange, "svc-rainbow@corp.acme.test")
    async with kit.running(password.run()):
        await kit.until(lambda: password.ending() is not None)
    assert [request["code"] for request in exchange.requests(READ)] == ["ErrorNonExistentMailbox", "NoError"]


@pytest.fixture
async def two(kit: "Kit", make_exchange: "MakeExchange") -> "AsyncIterator[tuple[Exchange, EwsClient, PasswordWatch]]":
    """A client with two accounts whose first password is wrong once the lab's dial says so."""
    exchange = await make_exchange(password_expires="2026-03-05T08:00:00Z", service_accounts=["second"])
    exchange.lab.dials.turn({"passwords": {"svc-rainbow": "one", "second": "two"}})
    logins = [
        Login(auth=BasicAuth(name, password), name=name)
        for name, password in (("svc-rainbow", "one"), ("second", "two"))
    ]
    settings = {"svc-rainbow": "exchange.password", "second": "exchange.fallback_password"}
    async with EwsClient(url=exchange.lab.url, auth=logins, ssl=None, now=kit.now) as client:
        yield (
            exchange,
            client,
            PasswordWatch(client, account=lambda: client.account, settings=settings, now=kit.now, random=kit.half),
        )


async def test_the_account_that_is_named_is_the_one_whose_date_was_read(
    kit: "Kit", two: "tuple[Exchange, EwsClient, PasswordWatch]"
) -> None:
    """The first is refused by the very call that reads the date, and the second one answers it."""
    exchange, client, password = two
    exchange.lab.dials.turn({"passwords": {"svc-rainbow": "changed", "second": "two"}})
    async with kit.running(password.run()):
        await asyncio.sleep(10)
        ending = password.ending()
    assert client.account == "second"
    assert ending is not None
    assert ending.text.startswith("The password of the Exchange account second expires on 2026-03-05 at 08:00 UTC")
    assert "give the new one as exchange.fallback_password, and restart" in ending.action
    assert len(exchange.requests(READ)) == 2, "what the first one's question brought does not count"


async def test_another_account_means_another_date_at_once(
    kit: "Kit", two: "tuple[Exchange, EwsClient, PasswordWatch]"
) -> None:
    exchange, client, password = two
    async with kit.running(password.run()):
        await asyncio.sleep(10)
        first = password.ending()
        assert first is not None
        assert "account svc-rainbow expires on 2026-03-05" in first.text
        changed = {"svc-rainbow": "changed", "second": "two"}
        exchange.lab.dials.turn({"password_expires": "2026-03-04T08:00:00Z", "passwords": changed})
        await client.call(GetPasswordExpirationDate())
        assert client.account == "second"
        assert password.ending() is None, "nothing is known of this one yet"
        await asyncio.sleep(40)
        second = password.ending()
    assert second is not None
    assert "account second expires on 2026-03-04" in second.text


async def test_an_account_without_a_password_in_the_settings_is_not_asked_for(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange(password_expires="2026-03-05T08:00:00Z")
    password = PasswordWatch(
        exchange.client, account=lambda: "the Kerberos ticket or keytab", settings={}, now=kit.now, random=kit.half
    )
    async with kit.running(password.run()):
        await asyncio.sleep(2 * DAY)
    assert exchange.requests(READ) == []
    assert password.ending() is None
