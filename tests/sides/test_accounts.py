"""From the accounts of the settings to logins; what has become of them is known after a restart."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.config.accounts import ExchangeAccount
from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.ews.auth import BasicAuth, BearerAuth
from rainbow_exchange.ews.auto_auth import AutoAuth
from rainbow_exchange.ews.errors import EwsAuthenticationError, Tried
from rainbow_exchange.ews.logins import Login
from rainbow_exchange.ews.windows_auth import WindowsAuth
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.rainbow.errors import RainbowAuthenticationError
from rainbow_exchange.sides.accounts import exchange_logins, rainbow_refusal
from rainbow_exchange.state.credentials import CredentialMemory
from rainbow_exchange.state.store import Store

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SVC = ExchangeAccount(kind="password", name="svc", username="svc", password="pw")
REFUSAL = EwsAuthenticationError(401, ("NTLM",), Tried(scheme="NTLM", stage="proof", binding=True))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "state.db")
    yield store
    store.close()


def logins(store: Store, *accounts: ExchangeAccount, at: datetime = NOON, **more: Any) -> list[Login]:
    values: dict[str, Any] = {
        "url": "https://mail.acme.test/EWS/Exchange.asmx",
        "scheme": "auto",
        "token_url": None,
        "token_parameters": {},
        "ssl": None,
        "token_proxy": Proxy(),
    }
    return exchange_logins(
        accounts or (SVC,), memory=CredentialMemory(store, "exchange"), now=lambda: at, **(values | more)
    )


async def use(login: Login, error: RainbowExchangeError | None = None) -> None:
    async with login.latch.attempt() as accepted:
        if error is not None:
            raise error
        accepted()


@pytest.mark.parametrize(
    ("scheme", "kind"),
    [
        ("auto", AutoAuth),
        ("basic", BasicAuth),
        ("ntlm", WindowsAuth),
        ("negotiate", WindowsAuth),
        ("bearer", BearerAuth),
    ],
)
async def test_each_scheme_has_its_authenticator(store: Store, scheme: str, kind: type) -> None:
    token = ExchangeAccount(kind="token", name="app", client_id="app", client_secret="s")
    account = token if scheme == "bearer" else SVC
    [login] = logins(store, account, scheme=scheme, token_url="https://adfs.acme.test/token")
    assert type(login.auth) is kind
    assert (login.tokens is None) == (scheme != "bearer")


async def test_a_second_account_beside_tokens_signs_in_by_its_password(store: Store) -> None:
    token = ExchangeAccount(kind="token", name="app", client_id="app", client_secret="s")
    found = logins(store, token, SVC, scheme="bearer", token_url="https://adfs.acme.test/token")
    assert [type(login.auth) for login in found] == [BearerAuth, AutoAuth]
    assert found[1].tokens is None


async def test_a_wrong_password_is_refused_after_a_restart_until_something_changes(store: Store) -> None:
    with pytest.raises(EwsAuthenticationError):
        await use(logins(store)[0], REFUSAL)

    [again] = logins(store, at=NOON + timedelta(days=365))
    with pytest.raises(EwsAuthenticationError) as raised:
        await use(again)
    assert (raised.value.status, raised.value.offered, raised.value.tried) == (401, ("NTLM",), REFUSAL.tried)

    changed = ExchangeAccount(kind="password", name="svc", username="svc", password="pw2")
    await use(logins(store, changed)[0])


@pytest.mark.parametrize("more", [{"scheme": "basic"}, {"url": "https://mail2.acme.test/EWS/Exchange.asmx"}])
async def test_another_scheme_or_address_is_a_change(store: Store, more: dict[str, Any]) -> None:
    with pytest.raises(EwsAuthenticationError):
        await use(logins(store)[0], REFUSAL)
    await use(logins(store, **more)[0])


async def test_what_had_worked_goes_on_with_its_rhythm_after_a_restart(store: Store) -> None:
    await use(logins(store)[0])
    [login] = logins(store)
    with pytest.raises(EwsAuthenticationError):
        await use(login, REFUSAL)
    [again] = logins(store, at=NOON + timedelta(seconds=20))
    assert again.latch.seconds_to_next_try() == pytest.approx(40, abs=1)
    [much_later] = logins(store, at=NOON + timedelta(hours=2))
    await use(much_later)
    assert logins(store)[0].latch.refused is None


async def test_what_cannot_have_counted_holds_nobody_back(store: Store) -> None:
    offer = EwsAuthenticationError(401, ("Basic",), Tried(scheme="NTLM", stage="offer"))
    with pytest.raises(EwsAuthenticationError):
        await use(logins(store)[0], offer)
    await use(logins(store)[0])


async def test_records_that_are_not_understood_count_as_none(store: Store) -> None:
    with pytest.raises(EwsAuthenticationError):
        await use(logins(store)[0], REFUSAL)
    store.set_value("credentials_exchange", (store.value("credentials_exchange") or "").replace('"stage"', '"step"'))
    await use(logins(store)[0])


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_neither_log_nor_state_holds_a_password(
    store: Store, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    account = ExchangeAccount(kind="password", name="svc", username="svc", password="correct horse")
    with pytest.raises(EwsAuthenticationError):
        await use(logins(store, account)[0], REFUSAL)
    assert "correct horse" not in caplog.text
    assert b"correct horse" not in everything_in(tmp_path)


def test_rainbows_refusal_is_remembered_until_the_credentials_change_or_work(store: Store) -> None:
    def recalled(*credentials: str) -> Any:
        return rainbow_refusal(CredentialMemory(store, "rainbow"), *credentials)

    refused, retry_at, remember = recalled("login", "pw")
    assert (refused, retry_at) == (None, None)
    remember(RainbowAuthenticationError(401500, "no"), None)
    refused, retry_at, _ = recalled("login", "pw")
    assert (refused.code, retry_at) == (401500, None)
    assert recalled("login", "pw2")[0] is None

    remember(RainbowAuthenticationError(401501), NOON)
    refused, retry_at, remember = recalled("login", "pw")
    assert (refused.code, retry_at) == (401501, NOON)
    remember(None, None)
    assert recalled("login", "pw")[0] is None
