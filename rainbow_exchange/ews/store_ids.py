"""The store's own id of an item, as it stands within an ItemId: free/busy names items by it too. Pure.

An ItemId is base64 of a byte for the compression and a payload: kind of id, mailbox GUID as text, an instruction, and
the entry id of the message; for an instance of a series, that of its master behind a date.
https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxcext/459469e8-0d99-4a8e-8740-c579923dbfb5
"""

import base64
import binascii

_UNCOMPRESSED, _RUN_LENGTHS = 0, 1
_BY_MAILBOX_GUID = 3
_NORMAL, _INSTANCE = 0, 1
_GUID_LENGTH = 36
#: of a message in a mailbox ([MS-OXCDATA] 2.2.4.2)
_ENTRY_ID_LENGTH = 70
#: a length, a date of eight bytes, and the length of the entry id, which a byte for the kind of item follows
_DATED = b"\x08", 9, b"F", 10
#: nobody's id is longer
_MOST_CHARACTERS = 2000


def entry_id(item_id: str) -> str:
    """Give the entry id within an ItemId, in upper hex; "" for an ItemId of any other form.

    Of an instance of a series it is that of the series.
    """
    if len(item_id) > _MOST_CHARACTERS:
        return ""
    try:
        raw = base64.b64decode(item_id, validate=True)
    except (binascii.Error, ValueError):
        return ""
    payload = _payload(raw)
    instruction = 3 + _GUID_LENGTH
    head = bytes((_BY_MAILBOX_GUID, _GUID_LENGTH, 0))
    if not payload.startswith(head) or len(payload) < instruction + 3:
        return ""
    length = int.from_bytes(payload[instruction + 1 : instruction + 3], "little")
    store_id = payload[instruction + 3 : instruction + 3 + length]
    if payload[instruction] == _INSTANCE:
        date_length, place, entry_length, start = _DATED
        if not store_id.startswith(date_length) or store_id[place : place + 1] != entry_length:
            return ""
        store_id = store_id[start : start + _ENTRY_ID_LENGTH]
    elif payload[instruction] != _NORMAL:
        return ""
    return store_id.hex().upper() if len(store_id) == _ENTRY_ID_LENGTH else ""


def _payload(raw: bytes) -> bytes:
    if raw[:1] == bytes((_UNCOMPRESSED,)):
        return raw[1:]
    return _expanded(raw[1:]) if raw[:1] == bytes((_RUN_LENGTHS,)) else b""


def _expanded(data: bytes) -> bytes:
    """Undo the run lengths: after two equal bytes stands how often more the byte came ([MS-OXCEXT] 3.1.4.5)."""
    found = bytearray()
    place = 0
    while place < len(data):
        found.append(data[place])
        if data[place + 1 : place + 2] == data[place : place + 1]:
            found += data[place : place + 1] * (1 + int.from_bytes(data[place + 2 : place + 3], "big"))
            place += 2
        place += 1
    return bytes(found)
