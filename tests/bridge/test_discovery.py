"""What is remembered of an Exchange that was found, and whom a user's address lets be asked. The rest: tests/e2e."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rainbow_exchange.bridge.discovery import Discovery, Place
from rainbow_exchange.bridge.problems import Problems
from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.autodiscover import Autodiscover
from rainbow_exchange.ews.discovery.places import trust
from rainbow_exchange.ews.logins import Login, Logins
from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.state.store import Store

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, MakeRainbow

FOUND = {
    "url": "https://mail.acme.test/EWS/Exchange.asmx",
    "autodiscover_url": "https://autodiscover.acme.test/autodiscover/autodiscover.svc",
    "address": "ann@acme.test",
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "state.db")
    yield opened
    opened.close()


def discovery(
    store: Store, kit: "Kit", *, domains: tuple[str, ...] = ("acme.test",), only_at: str | None = None
) -> Discovery:
    whom = trust(domains, ())

    def logins(_: str) -> Logins:
        return Logins([Login(auth=BasicAuth("svc", "secret"))])

    return Discovery(
        autodiscover=Autodiscover(logins=logins, trust=whom, url=only_at, records=None),
        trust=whom,
        allowed_hosts=(),
        only_at=only_at,
        username="svc",
        rainbow=RainbowClient(
            url="http://127.0.0.1:1",
            login="nobody@acme.test",
            password="not asked",
            app_id="app",
            app_secret="secret",
            company_id=None,
            now=kit.now,
            random=kit.half,
        ),
        rainbow_url="http://127.0.0.1:1",
        store=store,
        problems=Problems(now=kit.now),
        now=kit.now,
        random=kit.half,
    )


async def test_what_was_found_is_remembered(store: Store, kit: "Kit") -> None:
    assert discovery(store, kit).remembered() is None
    store.set_value("exchange_found", json.dumps({"place": FOUND, "asked_at": None}))
    assert discovery(store, kit).remembered() == Place(**FOUND)


async def test_it_counts_no_more_once_the_settings_say_otherwise(store: Store, kit: "Kit") -> None:
    store.set_value("exchange_found", json.dumps({"place": FOUND, "asked_at": None}))
    assert discovery(store, kit, domains=("other.test",)).remembered() is None
    assert discovery(store, kit, only_at="https://ad.acme.test/autodiscover/autodiscover.svc").remembered() is None


async def test_a_state_that_cannot_be_written_is_no_reason_not_to_go_on(store: Store, kit: "Kit") -> None:
    store.close()
    looking = discovery(store, kit)
    looking._found(Place(**FOUND))
    assert looking.reason == "Exchange was found at https://mail.acme.test/EWS/Exchange.asmx."


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "{",
        "[]",
        pytest.param("[" * 100_000, id="deep"),
        '{"place": {}}',
        '{"place": {"url": "x"}, "asked_at": null}',
        "7",
    ],
)
async def test_what_cannot_be_read_is_forgotten(store: Store, kit: "Kit", kept: str) -> None:
    store.set_value("exchange_found", kept)
    assert discovery(store, kit).remembered() is None


async def test_three_addresses_of_confirmed_domains_are_enough(
    store: Store, kit: "Kit", make_rainbow: "MakeRainbow"
) -> None:
    people = [
        kit.person(f"p{number}", f"p{number}@partner.test", work=(f"w{number}@acme.test",)) for number in range(9)
    ]
    rainbow = await make_rainbow(*people)
    assert await discovery(store, kit)._addresses(rainbow.client) == [f"w{number}@acme.test" for number in range(3)]
