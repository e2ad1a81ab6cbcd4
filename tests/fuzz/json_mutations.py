"""Spoils JSON: the values (it stays JSON), the text, or as somebody hostile would."""

import json
from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from random import Random
from typing import Any

from tests.fuzz import blown_up, words
from tests.fuzz.bytes_mutations import spoil

#: stand for what `json.dumps` cannot write
_DEEP, _LONG_NUMBER, _TWICE = "@deep@", "@number@", "@twice@"
_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    10**19,
    -(10**19),
    10**300,
    1.5,
    -0.0,
    1e308,
    float("inf"),
    float("-inf"),
    float("nan"),
    "\ud800",
    "a\0b",
    "\x7f\x1b[31m",
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"data": {"data": []}},
    {"id": "x", "type": "work"},
    _DEEP,
    _LONG_NUMBER,
)
#: what doubling may make of a value, in bytes: twice doubled is four times as much
_LARGEST = 200_000
_DEPTHS = (50, 300, 900, 960, 985, 1_100, 100_000)


def mutate(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Make another input of the valid one `data`."""
    if not random.randrange(blown_up.SELDOM):
        return blown_up.json_text(data, random, random.choice(blown_up.SIZES))
    kind = random.randrange(20)
    if kind < 14:
        return _changed(data, random, others)
    if kind < 19:
        return spoil(data, random, others)
    return _written_otherwise(data, random)


@cache
def _parsed(data: bytes) -> Any:
    return json.loads(data)


def _changed(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    whole = [deepcopy(_parsed(data))]
    for _ in range(random.choice((0, 1, 1, 2, 3, 6))):
        holders = list(_holders(whole))
        holder = random.choice(holders)
        keys: list[Any] = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if keys:
            random.choice(_CHANGES)(holder, random.choice(keys), random, others)
        if not whole:
            break
    return _write(whole[0] if whole else None, random)


def _holders(value: Any) -> Any:
    """Give every list and every object that has something in it."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list) and value:
            yield value
            waiting += value.values() if isinstance(value, dict) else value[:50]


def _write(value: Any, random: Random) -> bytes:
    written = json.dumps(value, ensure_ascii=bool(random.randrange(3))).encode("utf-8", "surrogatepass")
    if b"@" in written:
        depth = random.choice(_DEPTHS)
        opening, closing = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
        nested = opening * depth + b"0" + closing * random.choice((depth, depth, 0))
        written = written.replace(b'"@deep@"', nested, 1)
        written = written.replace(b'"@number@"', b"1" + b"0" * random.choice((30, 400, 4_000, 5_000)), 1)
        written = written.replace(b'"@twice@": ', b'"id": "x", "data": [], "id": ', 1)
    return written


def _replace(holder: Any, key: Any, random: Random, _: Sequence[bytes]) -> None:
    holder[key] = deepcopy(random.choice(_VALUES)) if random.randrange(2) else words.text(random)


def _remove(holder: Any, key: Any, _: Random, __: Sequence[bytes]) -> None:
    del holder[key]


def _rename(holder: Any, key: Any, random: Random, _: Sequence[bytes]) -> None:
    if isinstance(holder, dict):
        holder[random.choice((key.upper(), key + "x", "id", "data", "total", "", _TWICE))] = holder.pop(key)


def _double(holder: Any, key: Any, random: Random, _: Sequence[bytes]) -> None:
    many = random.choice((1, 2, 20, 200))
    if len(json.dumps(holder[key])) * many > _LARGEST:
        return
    if isinstance(holder, list):
        holder[key:key] = [deepcopy(holder[key]) for _ in range(many)]
    else:
        holder[key] = [deepcopy(holder[key]) for _ in range(many)]


def _swap(holder: Any, key: Any, random: Random, _: Sequence[bytes]) -> None:
    keys: list[Any] = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    other = random.choice(keys)
    holder[key], holder[other] = holder[other], holder[key]


def _wrap(holder: Any, key: Any, random: Random, _: Sequence[bytes]) -> None:
    holder[key] = random.choice(([holder[key]], {"data": holder[key]}, {"id": holder[key]}, [[holder[key]]]))


def _unwrap(holder: Any, key: Any, _: Random, __: Sequence[bytes]) -> None:
    value = holder[key]
    if isinstance(value, dict | list) and value:
        holder[key] = next(iter(value.values() if isinstance(value, dict) else value))


def _convert(holder: Any, key: Any, random: Random, _: Sequence[bytes]) -> None:
    """The same in another type."""
    value = holder[key]
    holder[key] = random.choice((json.dumps(value)[:1000], [value], {"value": value}, bool(value)))


def _graft(holder: Any, key: Any, random: Random, others: Sequence[bytes]) -> None:
    other = random.choice(list(_holders([_parsed(random.choice(others))])))
    holder[key] = deepcopy(random.choice(list(other.values()) if isinstance(other, dict) else other))


_CHANGES = (_replace, _replace, _replace, _remove, _rename, _double, _swap, _wrap, _unwrap, _convert, _graft)


def _written_otherwise(data: bytes, random: Random) -> bytes:
    text = data.decode()
    depth = random.choice(_DEPTHS)
    return random.choice(
        (
            b"\xef\xbb\xbf" + data,
            text.encode("utf-16"),
            text.encode("utf-32-be"),
            b" \r\n\t" + data + b"\n",
            data + data,
            data + b"\0",
            data.replace(b"}", b",}"),
            b"[" * depth,
            b"[" * depth + data + b"]" * depth,
            b'{"a":' * depth + data + b"}" * depth,
            b"9" * 5_000,
            b'"' + b"\\u0041" * 5_000 + b'"',
            b"null",
            b"{}",
            b"[]",
            b"",
        )
    )
