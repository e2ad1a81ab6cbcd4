import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keyring
import keyring.backends.fail
import pytest

from rainbow_exchange import config
from rainbow_exchange.config import Settings
from rainbow_exchange.errors import UserError
from rainbow_exchange.sign_up import keeping_wire
from rainbow_exchange.sign_up.keeping import Keeper, Keeping, Wanted
from rainbow_exchange.sign_up.keeping_wire import DistantKeeper
from rainbow_exchange.state import connector, made
from rainbow_exchange.state.connector import OurConnector
from rainbow_exchange.state.store import Store
from tests.keyrings import MemoryKeyring, in_memory

NOW = datetime(2026, 11, 26, 7, 30, tzinfo=UTC)
OURS = OurConnector(
    url="https://openrainbow.com", company_id="5fc1", asked_at=NOW, before=("5f9",), id="5f1", login="l"
)
FIRST = Wanted(
    values={"rainbow.login": "l@acme.test", "rainbow.app_id": "app"},
    secrets={"rainbow.password": "first", "rainbow.app_secret": "secret"},
)


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    with in_memory() as backend:
        yield backend


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "state.db")
    yield store
    store.close()


def keeper_of(store: Store, settings: Settings, kind: str) -> Keeper:
    here = Keeping(lambda: settings, store, now=lambda: NOW)
    if kind == "here":
        return here

    async def send(asked: Any) -> Any:
        return await keeping_wire.answer(here, asked)

    return DistantKeeper(send)


@pytest.mark.parametrize("kind", ["here", "at the daemon"])
async def test_what_was_kept_is_found_put_back_and_forgotten(store: Store, ring: MemoryKeyring, kind: str) -> None:
    keeper = keeper_of(store, Settings(), kind)
    assert (await keeper.look()).by_login is False
    await keeper.try_out(FIRST)

    assert await keeper.keep(FIRST, OURS) == "rainbow.password in the keyring; rainbow.app_secret in the keyring"
    assert await keeper.use() == ""
    found = await keeper.look()
    assert (found.connector, found.by_login) == (OURS, True)
    assert found.settings == {"url": "https://openrainbow.com", "login": "l@acme.test", "app_id": "app"}
    assert found.secrets == ("rainbow.password", "rainbow.app_secret")

    second = Wanted(values={"rainbow.login": "m@acme.test"}, secrets={"rainbow.password": "second"})
    await keeper.keep(second, None)
    assert ring.stored["rainbow-exchange", "rainbow.password"] == "second"
    assert [*made.read(store)] == ["rainbow.login"]
    await keeper.put_back()
    assert {key: each.value for key, each in made.read(store).items()} == FIRST.values
    assert {key: secret for (_, key), secret in ring.stored.items()} == FIRST.secrets
    assert connector.read(store) == OURS

    await keeper.forget()
    assert (ring.stored, made.read(store), connector.read(store)) == ({}, {}, None)
    assert (await keeper.look()).by_login is False


async def test_what_somebody_else_put_into_the_keyring_is_not_taken_out(store: Store, ring: MemoryKeyring) -> None:
    ring.set_password("rainbow-exchange", "rainbow.app_secret", "by hand")
    ring.set_password("rainbow-exchange", "exchange.password", "by hand")
    keeper = keeper_of(store, Settings(), "here")
    await keeper.keep(Wanted(values={}, secrets={"rainbow.password": "p"}), None)

    await keeper.forget()

    assert {key for _, key in ring.stored} == {"rainbow.app_secret", "exchange.password"}


async def test_settings_of_the_page_outlive_a_logout(store: Store, ring: MemoryKeyring) -> None:
    made.keep(store, {"bridge.privacy": "full"}, by="page", at=NOW)
    keeper = keeper_of(store, Settings(), "here")
    await keeper.keep(FIRST, OURS)

    await keeper.forget()

    assert [*made.read(store)] == ["bridge.privacy"]
    assert ring.stored == {}


@pytest.mark.parametrize("kind", ["here", "at the daemon"])
async def test_without_a_keyring_there_is_nothing_written_unasked(store: Store, tmp_path: Path, kind: str) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]  # keyring is half typed
    try:
        with pytest.raises(UserError) as caught:
            await keeper_of(store, Settings(), kind).try_out(FIRST)
    finally:
        keyring.set_keyring(before)

    (problem,) = caught.value.problems
    assert problem.startswith("There is nowhere to keep rainbow.password and rainbow.app_secret: this account has no")
    assert "rainbow.password_file and rainbow.app_secret_file" in problem
    assert sorted(file.name for file in tmp_path.iterdir() if file.suffix != ".db-wal") == ["state.db"]  # noqa: ASYNC240  (a test's own folder)


@pytest.mark.usefixtures("ring")
async def test_a_secret_that_is_too_long_is_told_before(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    wanted = Wanted(values={}, secrets={"rainbow.password": None, "rainbow.app_secret": "x" * 1281})

    with pytest.raises(
        UserError, match=r"rainbow\.app_secret cannot be kept: Windows' Credential Manager keeps 2560 bytes"
    ):
        await keeper_of(store, Settings(), "here").try_out(wanted)


@pytest.mark.usefixtures("ring")
async def test_a_file_that_cannot_be_written_is_named(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[rainbow]\npassword_file = "nowhere/pw"\n')
    settings = config.load(file)

    with pytest.raises(UserError) as caught:
        await keeper_of(store, settings, "here").try_out(FIRST)

    (problem,) = caught.value.problems
    assert problem.startswith(f"rainbow.password_file: {tmp_path / 'nowhere' / 'pw'} cannot be written (")
    assert problem.endswith("; correct the path, or let this account write there.")


@pytest.mark.usefixtures("ring")
async def test_values_that_stand_above_are_allowed_where_they_say_the_same(store: Store) -> None:
    settings = Settings.model_validate({"rainbow": {"app_id": "app", "password": "first"}})
    keeper = keeper_of(store, settings, "here")

    await keeper.try_out(FIRST)
    kept = await keeper.keep(FIRST, None)

    assert kept.startswith("rainbow.password in the variable RAINBOW_EXCHANGE_RAINBOW__PASSWORD; ")
    assert [*made.read(store)] == ["rainbow.login"]
    await keeper.forget()


@pytest.mark.parametrize(
    "asked",
    [
        None,
        {},
        {"do": "fly"},
        {"do": "keep", "values": [], "secrets": {}},
        {"do": "keep", "values": {}, "secrets": {"rainbow.password": 1}},
        {"do": "note", "made": {"id": "5f1"}},
    ],
)
async def test_what_is_not_understood_is_refused(store: Store, asked: object) -> None:
    with pytest.raises(ValueError, match=r"not an object|nothing that|no texts|no connector"):
        await keeping_wire.answer(keeper_of(store, Settings(), "here"), asked)


@pytest.mark.parametrize("answered", [[], {"answer": None}, {"answer": {"connector": None}}])
async def test_a_daemon_of_another_version_is_told(answered: Any) -> None:
    async def send(_: Any) -> Any:
        return answered

    with pytest.raises(UserError, match="another version"):
        await DistantKeeper(send).look()


@pytest.mark.parametrize("kept", ["{", "[]", '{"id": "5f1"}', '{"id": 1, "url": "u", "company_id": "c", "before": 1}'])
def test_a_connector_that_cannot_be_read_is_none(store: Store, kept: str) -> None:
    store.set_value("connector", kept)

    assert connector.read(store) is None
