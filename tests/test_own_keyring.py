import sys
from collections.abc import Iterator

import keyring
import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.null
import keyring.credentials
import pytest

from rainbow_exchange import own_keyring
from tests.keyrings import MemoryKeyring, in_memory


@pytest.fixture(autouse=True)
def memory() -> Iterator[MemoryKeyring]:
    with in_memory() as backend:
        yield backend


class PlaintextKeyring(MemoryKeyring):
    """Called as the one that writes plain text."""


class Chain(keyring.backends.chainer.ChainerBackend):
    """A chain of these, whatever this machine has."""

    priority = -1

    def __init__(self, *backends: MemoryKeyring) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring is half typed
        self.chained = backends

    @property
    def backends(self) -> list[MemoryKeyring]:
        return list(self.chained)


class OneTarget(MemoryKeyring):
    """As Windows' is: an entry says whose it is, and may be another's than was asked for."""

    def get_credential(self, service: str, username: str | None) -> keyring.credentials.Credential | None:  # noqa: ARG002  (the signature is keyring's)
        found = next(iter(self.stored.items()), None)
        return found and keyring.credentials.SimpleCredential(found[0][1], found[1])

    def get_password(self, service: str, username: str) -> str | None:  # noqa: ARG002  (the signature is keyring's)
        return next(iter(self.stored.values()), None)


def look_up(key: str) -> str | None:
    return own_keyring.look_up([key])[0].get(key)


def test_a_secret_is_put_in_read_back_and_taken_out(memory: MemoryKeyring) -> None:
    assert own_keyring.keep("rainbow.password", "p\u00e9") == ""
    assert look_up("rainbow.password") == "p\u00e9"
    assert own_keyring.try_out() == ""
    assert memory.stored == {("rainbow-exchange", "rainbow.password"): "p\u00e9"}
    assert own_keyring.take_out("rainbow.password") == ""
    assert own_keyring.take_out("rainbow.password") == ""
    assert memory.stored == {}


def test_another_name_s_secret_is_never_given(memory: MemoryKeyring) -> None:
    backend = OneTarget()
    keyring.set_keyring(backend)
    backend.set_password("rainbow-exchange", "rainbow.password", "Rainbow's")

    assert look_up("exchange.password") is None
    assert look_up("rainbow.password") == "Rainbow's"
    assert own_keyring.keep("exchange.password", "Exchange's") == (
        "the keyring of this account does not keep what is put in"
    )
    assert memory.stored == {}


def test_a_keyring_that_keeps_nothing_or_plain_text_is_as_good_as_none() -> None:
    keyring.set_keyring(PlaintextKeyring())
    assert own_keyring.keep("rainbow.password", "p").startswith(
        "this account has no keyring but one that writes plain text ("
    )
    keyring.set_keyring(Chain(PlaintextKeyring(), MemoryKeyring()))
    assert "plain text" in own_keyring.keep("rainbow.password", "p")
    keyring.set_keyring(keyring.backends.null.Keyring())  # type: ignore[no-untyped-call]  # keyring is half typed
    assert own_keyring.keep("rainbow.password", "p") == (
        "the keyring of this account is switched off (keyring.backends.null)"
    )
    for empty in (keyring.backends.fail.Keyring(), Chain()):  # type: ignore[no-untyped-call]  # keyring is half typed
        keyring.set_keyring(empty)
        assert own_keyring.keep("rainbow.password", "p") == "this account has no keyring"
        assert own_keyring.take_out("rainbow.password") == ""


def test_what_lies_further_down_a_chain_is_taken_out_too() -> None:
    first, second = MemoryKeyring(), MemoryKeyring()
    keyring.set_keyring(Chain(first, second))
    second.set_password("rainbow-exchange", "rainbow.password", "old")

    assert look_up("rainbow.password") == "old"
    assert own_keyring.keep("rainbow.password", "new") == ""
    assert look_up("rainbow.password") == "new"
    assert own_keyring.take_out("rainbow.password") == ""
    assert (first.stored, second.stored) == ({}, {})


def test_a_secret_that_windows_cannot_keep_is_refused_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")

    assert own_keyring.keep("rainbow.app_secret", "x" * 1280) == ""
    # 2,561 bytes and more: characters beyond the first plane count twice
    for long in ("x" * 1281, "x" * 1279 + "\N{KEY}"):
        assert own_keyring.keep("rainbow.app_secret", long) == (
            "Windows' Credential Manager keeps 2560 bytes at most, which is 1280 characters"
        )
