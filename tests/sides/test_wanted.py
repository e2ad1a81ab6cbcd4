"""What is wanted changes only where something has to be built anew."""

import asyncio

import pytest

from rainbow_exchange.config import BridgeSettings, ExchangeSettings, LogSettings, RainbowSettings, Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.rainbow.entered import Entered
from rainbow_exchange.sides import holds
from rainbow_exchange.sides.wanted import Wanted

SECRETS = Secrets(exchange_password="e", rainbow_password="r", rainbow_app_secret="a")
SETTINGS = Settings(
    exchange=ExchangeSettings(url="https://mail.acme.test/EWS/Exchange.asmx", username="svc"),
    rainbow=RainbowSettings(login="connector@acme.test", app_id="app"),
)


@pytest.mark.parametrize(
    ("settings", "secrets", "changed"),
    [
        (SETTINGS, SECRETS, ""),
        (SETTINGS.model_copy(update={"log": LogSettings(level="debug")}), SECRETS, ""),
        (SETTINGS, Secrets(exchange_password="new", rainbow_password="r", rainbow_app_secret="a"), "exchange"),
        (SETTINGS, Secrets(exchange_password="e", rainbow_password="new", rainbow_app_secret="a"), "rainbow"),
        (SETTINGS.model_copy(update={"bridge": BridgeSettings(privacy="full")}), SECRETS, "exchange"),
        (
            SETTINGS.model_copy(update={"rainbow": RainbowSettings(login="other@acme.test", app_id="app")}),
            SECRETS,
            "rainbow",
        ),
    ],
)
def test_one_side_is_built_anew_by_what_concerns_it(settings: Settings, secrets: Secrets, changed: str) -> None:
    wanted = Wanted(SETTINGS, SECRETS)
    rainbow, exchange = wanted.rainbow(), wanted.exchange()
    wanted.use(settings, secrets)
    assert (wanted.rainbow() != rainbow) is (changed == "rainbow")
    assert (wanted.exchange() != exchange) is (changed == "exchange")


def test_no_secret_can_be_seen() -> None:
    secrets = Secrets(exchange_password="hush1", rainbow_password="hush2", rainbow_app_secret="hush3")
    wanted = Wanted(SETTINGS, secrets)
    assert "hush" not in repr(wanted.rainbow()) + repr(wanted.exchange())


def test_what_is_missing_is_said_by_side() -> None:
    wanted = Wanted(Settings(), Secrets())
    hold = wanted.rainbow().hold
    assert hold is not None
    for key in ("rainbow.login", "rainbow.password", "rainbow.app_id", "rainbow.app_secret"):
        assert key in hold.text
    assert "exchange.username, exchange.password, unless Rainbow's administration gives them" in hold.text


def test_exchange_waits_for_what_rainbow_says() -> None:
    wanted = Wanted(SETTINGS, SECRETS)
    assert wanted.exchange().hold == holds.NOT_READ
    wanted.take(Entered())
    assert wanted.exchange().hold is None
    wanted.take(Entered(switch=False, switch_path="x"))
    assert wanted.exchange().hold == holds.SWITCHED_OFF


@pytest.mark.parametrize(
    ("settings", "begins"),
    [
        (SETTINGS, True),
        (Settings(rainbow=SETTINGS.rainbow), False),
        (Settings(exchange=ExchangeSettings(username="svc"), rainbow=SETTINGS.rainbow), False),
    ],
)
def test_while_rainbow_is_read_whoever_needs_nothing_of_it_begins(settings: Settings, begins: bool) -> None:
    wanted = Wanted(settings, SECRETS)
    wanted.take(Entered(pending=True))
    assert wanted.exchange().hold == (None if begins else holds.NOT_READ)
    wanted.take(Entered(pending=True, switch=False))
    assert wanted.exchange().hold == holds.SWITCHED_OFF


async def test_whoever_waits_sees_each_change() -> None:
    wanted, seen = Wanted(SETTINGS, SECRETS), list[bool]()

    def stopping() -> bool:
        seen.append(wanted.stopping)
        return wanted.stopping

    watching = asyncio.create_task(wanted.until(stopping))
    await asyncio.sleep(0)
    wanted.use(SETTINGS, SECRETS)
    await asyncio.sleep(0)
    wanted.stop()
    await watching
    assert seen == [False, False, True]
