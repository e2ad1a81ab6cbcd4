from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rainbow_exchange.state import made
from rainbow_exchange.state.store import Store

FIRST = datetime(2026, 11, 26, 7, 30, tzinfo=UTC)
LATER = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "state.db")
    yield store
    store.close()


def test_what_was_made_is_given_with_its_origin(store: Store, tmp_path: Path) -> None:
    made.keep(store, {"rainbow.login": "a@acme.test", "rainbow.app_id": "app"}, by="login", at=FIRST)
    made.keep(store, {"rainbow.app_id": "other", "bridge.domains": ["acme.test"]}, by="page", at=LATER)
    store.close()

    again = Store.open(tmp_path / "state.db")
    found = made.read(again)
    again.close()

    assert {key: (each.value, each.origin) for key, each in found.items()} == {
        "rainbow.login": ("a@acme.test", "login of 2026-11-26"),
        "rainbow.app_id": ("other", "page of 2026-12-01"),
        "bridge.domains": (["acme.test"], "page of 2026-12-01"),
    }


def test_none_takes_a_value_back_and_the_last_one_leaves_nothing(store: Store) -> None:
    made.keep(store, {"rainbow.login": "a@acme.test", "rainbow.app_id": "app"}, by="login", at=FIRST)
    made.keep(store, {"rainbow.login": None}, by="login", at=LATER)
    assert list(made.read(store)) == ["rainbow.app_id"]

    made.keep(store, {"rainbow.app_id": None, "rainbow.url": None}, by="login", at=LATER)
    assert made.read(store) == {}
    assert store.value("made_settings") is None


@pytest.mark.parametrize(
    "kept",
    [
        "{",
        "[]",
        pytest.param("[" * 100_000, id="deep"),
        '{"rainbow.login": {"value": 1}}',
        '{"rainbow.login": {"value": 1, "by": "login", "at": "soon"}}',
    ],
)
def test_what_cannot_be_read_is_as_if_it_had_not_been_made(store: Store, kept: str) -> None:
    store.set_value("made_settings", kept)

    assert made.read(store) == {}
