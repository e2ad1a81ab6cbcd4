"""The installed command at an Apache in front of the lab's Exchange: with a keytab and no password, and by NTLM."""

import importlib.util
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange import LabExchange
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.lab.serve import mailboxes_of

PASSWORD = "lab-password"
PEOPLE = 3

pytestmark = [pytest.mark.peer]
needs_gssapi = pytest.mark.skipif(
    importlib.util.find_spec("gssapi") is None, reason="no gssapi (pip install 'rainbow-exchange[kerberos]')"
)


@pytest.fixture
async def company(front: Any) -> AsyncIterator[tuple[LabExchange, dict[str, str]]]:
    """Run both sides of the lab, Exchange behind Apache; give it, and the settings for Rainbow."""
    users = make_company(PEOPLE, 1)
    rainbow = LabRainbow(
        users=users, now=lambda: datetime.now(UTC), random=random.Random(5), company_id=users[0].company_id
    )
    exchange = LabExchange(
        mailboxes=mailboxes_of(users),
        password=PASSWORD,
        now=lambda: datetime.now(UTC),
        random=random.Random(5).random,
        trusted_user_header="X-Remote-User",
    )
    async with AsyncExitStack() as stack:
        await rainbow.start()
        stack.push_async_callback(rainbow.stop)
        await exchange.start(port=front.backend)
        stack.push_async_callback(exchange.stop)
        settings = {
            "RAINBOW__URL": rainbow.url,
            "RAINBOW__LOGIN": rainbow.login,
            "RAINBOW__PASSWORD": rainbow.password,
            "RAINBOW__APP_ID": rainbow.app_id,
            "RAINBOW__APP_SECRET": rainbow.app_secret,
        }
        yield exchange, settings


def accounts(exchange: LabExchange) -> set[str]:
    return {each["account"] for each in exchange.record.read()}


@needs_gssapi
@pytest.mark.parametrize("site", ["kerberos", "both"])
async def test_a_keytab_and_no_password(
    front: Any, realm: Any, company: Any, installed: Any, answers: Any, tmp_path: Path, site: str
) -> None:
    exchange, settings = company
    settings |= {"EXCHANGE__URL": front.url(site), "EXCHANGE__AUTH": "negotiate"}
    settings |= {"EXCHANGE__CA_FILE": str(front.ca_file)}
    domain = realm.environment | {
        "KRB5_CLIENT_KTNAME": str(realm.keytab),
        "KRB5CCNAME": f"FILE:{realm.here / f'cc-{site}'}",
    }
    async with installed.connector(tmp_path, settings, **domain) as connector:
        await connector.healthy(streamed=PEOPLE)
        assert await connector.account() == "the Kerberos ticket or keytab"
    assert accounts(exchange) == {"svc-rainbow"}
    assert {user for _, user, status in await answers.first(1) if status == "200"} == {"svc-rainbow@ACME.TEST"}


async def test_ntlm(front: Any, company: Any, installed: Any, answers: Any, tmp_path: Path) -> None:
    exchange, settings = company
    settings |= {
        "EXCHANGE__URL": front.url("both"),
        "EXCHANGE__USERNAME": "ACME\\svc-rainbow",
        "EXCHANGE__PASSWORD": PASSWORD,
        "EXCHANGE__CA_FILE": str(front.ca_file),
    }
    async with installed.connector(tmp_path, settings) as connector:
        await connector.healthy(streamed=PEOPLE)
        assert await connector.account() == "ACME\\svc-rainbow"
    assert accounts(exchange) == {"svc-rainbow"}
    assert {user for _, user, status in await answers.first(1) if status == "200"} == {"ACME\\\\svc-rainbow"}
    assert PASSWORD not in connector.said()


@needs_gssapi
async def test_a_wrong_password_is_one_attempt_at_the_domain_controller_over_restarts(
    front: Any, realm: Any, company: Any, installed: Any, tmp_path: Path
) -> None:
    """A service manager's restarts do not lock the account."""
    exchange, settings = company
    settings |= {
        "EXCHANGE__URL": front.url("both"),
        "EXCHANGE__USERNAME": "svc-rainbow@acme.test",
        "EXCHANGE__PASSWORD": "wrong",
        "EXCHANGE__CA_FILE": str(front.ca_file),
    }
    before = realm.log().count("PREAUTH_FAILED")
    for _ in range(2):
        async with installed.connector(tmp_path, settings, **realm.environment) as connector:
            problem = await connector.problem("exchange-authentication")
        assert "not tried again" in problem["action"]
    assert realm.log().count("PREAUTH_FAILED") == before + 1
    assert exchange.record.read() == []
