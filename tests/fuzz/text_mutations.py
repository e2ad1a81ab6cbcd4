"""Spoils settings as text: a TOML file, or variables one a line."""

import json
from collections.abc import Sequence
from random import Random

from tests.fuzz import blown_up, words
from tests.fuzz.bytes_mutations import spoil

_VALUES = ("true", "0", "-1", "99999999999999999999", "1e999", "nan", "[]", "{}", "2026-03-02", '"\\ud800"', "[[]]")
_DEPTHS = (10, 300, 500, 1_000, 20_000)


def mutate(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Make another input of the valid one `data`."""
    if not random.randrange(blown_up.SELDOM):
        return blown_up.text(data, random, random.choice(blown_up.SIZES))
    kind = random.randrange(10)
    if kind >= 8:
        return spoil(data, random, others)
    lines = data.decode().splitlines()
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        place = random.randrange(len(lines))
        lines[place] = random.choice(_CHANGES)(lines[place], random)
    if kind == 0:
        lines.insert(random.randrange(len(lines) + 1), random.choice(random.choice(others).decode().splitlines()))
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def mutate_line(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Make another value of a header, or of a setting, out of the valid one `data`."""
    if not random.randrange(blown_up.SELDOM):
        return blown_up.text(data, random, random.choice(blown_up.SIZES))
    if random.randrange(3):
        return words.text(random).encode("utf-8", "replace")
    return spoil(data, random, others)


def _other_value(line: str, random: Random) -> str:
    name, equals, _ = line.partition("=")
    return f"{name}{equals} {json.dumps(words.text(random), ensure_ascii=False)}" if equals else line


def _raw_value(line: str, random: Random) -> str:
    name, equals, _ = line.partition("=")
    return f"{name}{equals} {random.choice(_VALUES)}" if equals else line


def _bare_value(line: str, random: Random) -> str:
    name, equals, _ = line.partition("=")
    return f"{name}{equals}{words.text(random)}" if equals else line


def _deep_value(line: str, random: Random) -> str:
    name, equals, _ = line.partition("=")
    depth = random.choice(_DEPTHS)
    return f"{name}{equals} {'[' * depth}{']' * depth}" if equals else line


def _other_name(line: str, random: Random) -> str:
    name, equals, value = line.partition("=")
    return f"{random.choice((name.strip() + 'x', name.upper(), name.replace('_', '.'), '_'))}{equals}{value}"


def _nothing(_: str, __: Random) -> str:
    return ""


_CHANGES = (_other_value, _other_value, _other_value, _raw_value, _bare_value, _deep_value, _other_name, _nothing)
