from pathlib import Path
from typing import Any, TypeVar

import pytest

from rainbow_exchange.ews.directory import resolve
from rainbow_exchange.ews.soap import build, open_envelope
from rainbow_exchange.ews.types import ConnectingSid, Operation

FOLDER = Path(__file__).parents[2] / "fixtures" / "ews" / "Exchange2019" / "resolve_names"
R = TypeVar("R")


class Directory:
    """Gives one answer to every question, and keeps what was asked."""

    def __init__(self, case: str) -> None:
        self.answer = (FOLDER / f"{case}.xml").read_bytes()
        self.asked: list[bytes] = []

    async def call(
        self,
        operation: Operation[R],
        *,
        impersonate: ConnectingSid | None = None,
        anchor: str | None = None,
        affinity: Any = None,
    ) -> R:
        assert anchor is None
        assert affinity is None
        self.asked.append(build(operation, impersonate=impersonate))
        return operation.parse(open_envelope(self.answer).body_element)


@pytest.mark.parametrize(
    ("case", "entry", "expected"),
    [
        ("one", "ada.lovelace@acme.test", "ada.lovelace@acme.test"),
        ("one", " ADA@acme.test", "ada.lovelace@acme.test"),
        ("one", "lovelace@acme.test", None),
        ("one", "ad@acme.test", None),
        ("several", "ada@acme.test", "ada.lovelace@acme.test"),
        ("several", "adam.old@acme.test", "adam@acme.test"),
        ("several", "a@acme.test", None),
        ("none", "ada@acme.test", None),
        ("one", "ADA.Lovelace", "ada.lovelace@acme.test"),
        ("one", "lovelace", None),
        ("several", "ada", "ada.lovelace@acme.test"),
    ],
)
async def test_only_an_address_of_exactly_one_mailbox_is_resolved(case: str, entry: str, expected: str | None) -> None:
    directory = Directory(case)
    assert await resolve(directory, entry) == expected
    assert len(directory.asked) == 1
    assert entry.strip().encode() in directory.asked[0]
