import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.config import Settings
from rainbow_exchange.diagnosis import set_up
from rainbow_exchange.diagnosis.set_up import Entered, SetUp
from rainbow_exchange.errors import UserError
from rainbow_exchange.state import made
from rainbow_exchange.state.store import Store
from tests.keyrings import MemoryKeyring, in_memory

NOW = datetime(2026, 11, 26, 7, 30, tzinfo=UTC)


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    with in_memory() as backend:
        yield backend


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "state.db")
    yield store
    store.close()


def desk(store: Store, settings: Settings | None = None) -> SetUp:
    given = settings or Settings()
    return SetUp(lambda: given, store, now=lambda: NOW, random=lambda: 0.5)


async def test_settings_and_secrets_are_kept_together_or_not_at_all(
    store: Store, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {"exchange.password": "old"}
    ring.set_password("rainbow-exchange", "exchange.password", "old")
    wanted = {"exchange.password": "new", "exchange.client_secret": "s"}
    put = ring.set_password

    def full(service: str, username: str, password: str) -> None:
        if username == "exchange.client_secret":
            raise OSError("full")
        put(service, username, password)

    monkeypatch.setattr(ring, "set_password", full)
    entered = Entered(part="exchange", values={"exchange.username": "a@acme.test"}, secrets=wanted)
    with pytest.raises(UserError, match=r"exchange\.client_secret cannot be kept: .* cannot be used \(OSError\)"):
        await desk(store).keep(entered)
    assert {key: secret for (_, key), secret in ring.stored.items()} == before
    assert made.read(store) == {}

    monkeypatch.undo()
    done = await desk(store).keep(entered)
    assert done["kept"] == ["exchange.password in the keyring", "exchange.client_secret in the keyring"]
    assert {key: secret for (_, key), secret in ring.stored.items()} == wanted
    assert made.read(store)["exchange.username"].origin == "setup of 2026-11-26"


@pytest.mark.usefixtures("ring")
async def test_what_counts_is_told_without_any_secret(store: Store, ring: MemoryKeyring) -> None:
    ring.set_password("rainbow-exchange", "rainbow.proxy_password", "hunter2")
    settings = Settings.model_validate({"rainbow": {"proxy_url": "http://me:hunter2@proxy:1"}})
    made.keep(store, {"exchange.url": "https://mail.acme.test/EWS/Exchange.asmx"}, by="setup", at=NOW)

    shown = await desk(store, settings).look("rainbow-proxy")
    exchange = await desk(store, settings).look("exchange")

    assert shown["settings"]["rainbow.proxy_url"]["value"] is None
    assert shown["secrets"] == {"rainbow.proxy_url": True, "rainbow.proxy_password": True}
    assert "hunter2" not in str(shown) + str(exchange)
    assert exchange["settings"]["exchange.url"] == {
        "value": "https://mail.acme.test/EWS/Exchange.asmx",
        "origin": "setup of 2026-11-26",
    }


@pytest.mark.usefixtures("ring")
async def test_everything_that_speaks_against_it_is_said_at_once(store: Store, tmp_path: Path) -> None:
    settings = Settings.model_validate({"exchange": {"auth": "ntlm"}})
    values = {
        "exchange.auth": "NTLM",
        "exchange.username": "x" * 10,
        "exchange.url": "mail",
        "exchange.ca_file": str(tmp_path / "none"),
    }

    with pytest.raises(UserError) as caught:
        await anext(desk(store, settings).try_out(Entered(part="exchange", values=values)))

    assert sorted(problem.split(" ")[0] for problem in caught.value.problems) == ["exchange.ca_file", "exchange.url"]
    assert not any("left out" in problem for problem in caught.value.problems)


@pytest.mark.usefixtures("ring")
async def test_a_secret_that_windows_cannot_keep_changes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    entered = Entered(
        part="exchange", values={"exchange.username": "a"}, secrets={"exchange.client_secret": "x" * 1281}
    )

    with pytest.raises(UserError, match="keeps 2560 bytes at most"):
        await desk(store).keep(entered)
    assert made.read(store) == {}


@pytest.mark.parametrize(
    "asked",
    [
        None,
        {},
        {"do": "fly", "part": "exchange"},
        {"do": "look", "part": "bridge"},
        {"do": "keep", "part": "exchange", "values": {"bridge.privacy": "full"}},
        {"do": "keep", "part": "exchange", "values": {"exchange.url": ["x"]}},
        {"do": "keep", "part": "exchange", "values": [], "secrets": {}},
        {"do": "keep", "part": "exchange", "secrets": {"rainbow.password": "p"}},
        {"do": "keep", "part": "exchange", "secrets": {"exchange.password": 1}},
        {"do": "try", "part": "exchange", "address": 1},
    ],
)
async def test_what_is_not_understood_is_refused(store: Store, asked: object) -> None:
    with pytest.raises(ValueError, match=r"no part|do not belong|no texts|no values|nothing that"):
        await desk(store).answer(asked)
    assert made.read(store) == {}


@pytest.mark.parametrize("steps", [None, {}, [1], [{}], [{"verdict": "well"}], [{"verdict": "pass", "more": 1}]])
def test_a_daemon_of_another_version_is_not_understood(steps: Any) -> None:
    with pytest.raises(ValueError, match=r"no results|is not a valid"):
        set_up.as_results(steps)
