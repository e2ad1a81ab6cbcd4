"""Asks for the parts of a bundle, one after the other; what cannot be had is named with the reason."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from rainbow_exchange.diagnosis.bundle.cleaning import Cleaning
from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.words import _

log = structlog.get_logger()

#: of one part, and of all that is not packed yet
MOST_BYTES = 2 * 1024 * 1024
MOST_BYTES_IN_ALL = 16 * 1024 * 1024
_LONGEST_LIST = 1000


class NotCollected(RainbowExchangeError):
    """A part that cannot be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """A part to be: the name of its file, what it is for whoever opens it, and who gives it.

    `read` gives text for `.txt`, lines for `.log`, and what JSON can hold for `.json`; it raises NotCollected or
    OSError.
    """

    name: str
    what: str
    read: Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of the bundle. `left_out` says what was cut off, "" where nothing was."""

    name: str
    what: str
    content: bytes
    left_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What could not be collected, and why."""

    name: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Read:
    """What was given for a part, not yet cleaned; `why` where there is nothing."""

    source: Source
    content: Any
    why: str = ""


def read(source: Source) -> Read:
    """Have one part given. A fault of whoever gives it costs this part and no other."""
    try:
        return Read(source, source.read())
    except NotCollected as error:
        return Read(source, None, str(error))
    except OSError as error:
        return Read(source, None, _("it cannot be read ({strerror})", strerror=error.strerror or type(error).__name__))
    except Exception as error:
        log.debug("bundle_part_failed", part=source.name, exc_info=error)
        return Read(source, None, _("it failed ({name}); that is a fault of this program", name=type(error).__name__))


def clean(given: Iterable[Read], cleaning: Cleaning) -> tuple[list[Part], list[Missing]]:
    """Take out what may not be in a bundle, and cut what is too long."""
    parts: list[Part] = []
    missing: list[Missing] = []
    room = MOST_BYTES_IN_ALL
    for each in given:
        source, why = each.source, cleaning.text(each.why)
        if why == each.why:
            why = each.why  # what is Said stays so where nothing had to be taken out
        if not why:
            part = _part(source, each.content, cleaning)
            if len(part.content) <= room:
                room -= len(part.content)
                parts.append(part)
                continue
            why = _(
                "the bundle would be larger than {most_bytes_in_all} bytes with it", most_bytes_in_all=MOST_BYTES_IN_ALL
            )
        missing.append(Missing(name=source.name, what=cleaning.text(source.what), why=why))
    return parts, missing


def _part(source: Source, given: Any, cleaning: Cleaning) -> Part:
    if source.name.endswith(".json"):
        written, left_out = _json(cleaning.value(given))
    elif source.name.endswith(".log"):
        lines, left_out = _lines([cleaning.log_line(line) for line in given])
        written = "".join(f"{line}\n" for line in lines)
    else:
        lines, left_out = _lines(cleaning.text(given).split("\n"))
        written = "\n".join(lines)
    content = written.encode(errors="backslashreplace")
    return Part(name=source.name, what=cleaning.text(source.what), content=content, left_out=left_out)


def _lines(lines: list[str]) -> tuple[list[str], str]:
    """Give the last lines that a part may have."""
    room, kept = MOST_BYTES, len(lines)
    while kept and (room := room - len(lines[kept - 1].encode(errors="backslashreplace")) - 1) >= 0:
        kept -= 1
    return lines[kept:], _("{kept} lines before these", kept=kept) if kept else ""


def _json(value: Any) -> tuple[str, str]:
    """Write JSON for a person to read; lists are cut until it is short enough."""
    longest, left_out = _LONGEST_LIST, ""
    while True:
        short = _cut(value, longest)
        written = json.dumps(short, indent=1, ensure_ascii=False) + "\n"
        if short != value:
            left_out = _("whatever is beyond {longest} entries of a list", longest=longest)
        if len(written.encode(errors="backslashreplace")) <= MOST_BYTES or longest == 0:
            return written, left_out
        longest //= 4


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, dict):
        return {key: _cut(one, longest) for key, one in value.items()}
    if isinstance(value, list):
        return [_cut(one, longest) for one in value[:longest]]
    return value
