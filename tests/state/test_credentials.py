import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rainbow_exchange.state.credentials import CredentialMemory
from rainbow_exchange.state.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "state.db")
    yield store
    store.close()


def test_a_record_is_recalled_by_the_same_credentials_only(store: Store) -> None:
    memory = CredentialMemory(store, "exchange")
    memory.keep(memory.digest("url", "svc", "secret"), {"worked": True})

    later = CredentialMemory(store, "exchange")
    assert later.recall(later.digest("url", "svc", "secret")) == {"worked": True}
    for other in (("url", "svc", "secret2"), ("url", "svcs", "ecret"), ("url", "svc", None), ("url2", "svc", "secret")):
        assert later.recall(later.digest(*other)) == {}


def test_the_sides_do_not_see_each_other(store: Store) -> None:
    one, other = CredentialMemory(store, "exchange"), CredentialMemory(store, "rainbow")
    one.keep(one.digest("a"), {"x": 1})
    other.keep(other.digest("a"), {"x": 2})
    assert CredentialMemory(store, "exchange").recall(one.digest("a")) == {"x": 1}


def test_what_is_not_in_use_any_more_is_dropped(store: Store) -> None:
    memory = CredentialMemory(store, "exchange")
    old = memory.digest("old")
    memory.keep(old, {"x": 1})
    later = CredentialMemory(store, "exchange")
    later.keep(later.digest("new"), {"x": 2})
    later.keep(later.digest("second"), {"x": 3})
    kept = json.loads(store.value("credentials_exchange") or "")
    assert old not in kept
    assert list(kept.values()) == [{"x": 2}, {"x": 3}]


def test_digests_are_another_installations_no_matter(tmp_path: Path) -> None:
    found = set()
    for name in ("one", "two"):
        store = Store.open(tmp_path / name / "state.db")
        found.add(CredentialMemory(store, "exchange").digest("url", "svc", "secret"))
        store.close()
    assert len(found) == 2
    assert all("secret" not in digest and len(digest) == 64 for digest in found)


@pytest.mark.parametrize("kept", ["", "nonsense", "[]", pytest.param("[" * 100_000, id="deep"), '{"a": 1}'])
def test_what_cannot_be_read_counts_as_nothing(store: Store, kept: str) -> None:
    store.set_value("credentials_exchange", kept)
    memory = CredentialMemory(store, "exchange")
    assert memory.recall("a") == {}


@pytest.mark.parametrize("kept", ["no hexadecimal", "", "\N{SUPERSCRIPT TWO}"])
def test_a_key_that_cannot_be_read_is_made_anew(store: Store, kept: str) -> None:
    store.set_value("credentials_key", kept)
    digest = CredentialMemory(store, "exchange").digest("svc", "secret")
    made = store.value("credentials_key")
    assert made is not None
    assert len(bytes.fromhex(made)) == 32
    assert CredentialMemory(store, "exchange").digest("svc", "secret") == digest


def test_a_state_that_cannot_be_written_is_no_failure(store: Store) -> None:
    memory = CredentialMemory(store, "exchange")
    digest = memory.digest("a")
    store.close()
    memory.keep(digest, {"x": 1})
    assert memory.recall(digest) == {"x": 1}
