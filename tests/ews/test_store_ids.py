import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.ews.store_ids import entry_id

GUID = b"0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
#: flags, mailbox, kind, folder's database and number, message's database and number
DATABASE = "202122232425262728292A2B2C2D2E2F"
ENTRY = f"000000000A0B0C0D0E0F101112131415161718190700{DATABASE}0000000001060000{DATABASE}0000000012AB0000"
RAW = bytes.fromhex(ENTRY)


def written(payload: bytes, *, compression: int = 0) -> str:
    return base64.b64encode(bytes([compression]) + payload).decode()


ITEM = b"\x03\x24\x00" + GUID + b"\x00" + b"\x46\x00" + RAW
INSTANCE = (
    b"\x03\x24\x00"
    + GUID
    + b"\x01"
    + b"\x51\x00"
    + b"\x08"
    + bytes.fromhex("08DB1A2B3C4D5E6F")
    + b"\x46"
    + RAW
    + b"\x10"
)


def squeezed(data: bytes) -> bytes:
    """Write a byte that comes twice or more as itself, itself, and how often more it came."""
    found, place = b"", 0
    while place < len(data):
        run = 1
        while place + run < len(data) and data[place + run] == data[place] and run < 257:
            run += 1
        found += data[place : place + 1] if run == 1 else data[place : place + 1] * 2 + bytes([run - 2])
        place += run
    return found


def test_the_fixture_is_as_long_as_an_entry_id_is() -> None:
    assert (len(RAW), len(ITEM), len(INSTANCE)) == (70, 112, 123)


@pytest.mark.parametrize("payload", [ITEM, INSTANCE])
def test_the_entry_id_stands_within(payload: bytes) -> None:
    """That of an instance of a series is the series' own."""
    assert entry_id(written(payload)) == ENTRY
    assert entry_id(written(squeezed(payload), compression=1)) == ENTRY


@pytest.mark.parametrize(
    "item_id",
    [
        "",
        "i1",
        "AAMk",
        "é",
        written(b""),
        written(b"", compression=1),
        written(ITEM[:-1]),
        written(ITEM[:41]),
        written(INSTANCE[:60]),
        written(ITEM, compression=2),
        written(ITEM[:39] + b"\x02" + ITEM[40:]),
        written(b"\x00" + ITEM[1:]),
        written(INSTANCE[:42] + b"\x09" + INSTANCE[43:]),
        written(INSTANCE[:51] + b"\x45" + INSTANCE[52:]),
        "A" * 4000,
    ],
)
def test_an_id_of_any_other_form_has_none(item_id: str) -> None:
    assert entry_id(item_id) == ""


@given(st.binary(max_size=300), st.sampled_from([0, 1]))
def test_nothing_else_leaves(payload: bytes, compression: int) -> None:
    found = entry_id(written(payload, compression=compression))
    assert found == "" or len(found) == 140
