"""The list and the report of `rainbow-exchange mailboxes`: the daemon's answer for a person and for Excel. Pure."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rainbow_exchange.cli.clock_words import Clock
from rainbow_exchange.network.shown import printable

#: what makes Excel and its like take a value for a formula, also in its full-width form
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
#: Excel takes a file without it for one of the machine's old code page
_BYTE_ORDER_MARK = "\ufeff"
_HEADINGS = (
    "User",
    "Mailbox",
    "State",
    "Found by",
    "Identifier",
    "Read mode",
    "Finding",
    "Reason",
    "In words",
    "Suggestion",
    "Next try (UTC)",
    "Not led to it",
    "Stream",
    "Last change (UTC)",
    "Last told (UTC)",
    "Last question (UTC)",
)


def lines(answer: Mapping[str, Any], clock: Clock) -> Iterator[str]:
    """Give the lines of the list; `answer` as `docs/reference/commands.md` has it, `clock` writes its instants."""
    counts = answer["counts"]
    yield (
        f"{counts['total']} users: {counts['streamed']} streamed, {counts['polled']} polled,"
        f" {counts['uncovered']} not covered; {counts['not_read']} cannot be read"
    )
    people = answer["people"]
    if not people:
        yield "Nobody is meant by that." if counts["total"] else "Nobody is listed yet."
        return
    yield from _table(people, clock)
    more = answer["matching"] - len(people)
    if more > 0:
        yield f"and {more} more: rainbow-exchange mailboxes --limit 0"


def _table(people: Sequence[Mapping[str, Any]], clock: Clock) -> Iterator[str]:
    """Show each on a line, and on the next one what is wrong and what to do about it."""
    rows = [("user", "state", "mailbox", "found by", "read")]
    rows += [
        (
            printable(each["user"]),
            each["state"] if each["read"] else f"{each['state']}, not read",
            printable(each["mailbox"] or "-"),
            each["identifier"]["kind"] if each["identifier"] else "-",
            each["read_mode"] or "-",
        )
        for each in people
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    notes = [[], *(_notes(each, clock) for each in people)]
    for row, under in zip(rows, notes, strict=True):
        yield "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip()
        yield from under


def _notes(each: Mapping[str, Any], clock: Clock) -> list[str]:
    said = " ".join(filter(None, (each["says"], each["suggestion"])))
    when = f"; next try {clock.at(each['next_try'])}" if each["next_try"] else ""
    because = f"because {each['reason']}{when}" if each["reason"] else ""
    return [f"    {note}" for note in (because, said) if note]


def report(people: Iterable[Mapping[str, Any]], delimiter: str = ",") -> bytes:
    """Write the report: RFC 4180 in UTF-8 with a byte order mark; no value is one that Excel would carry out."""
    text = io.StringIO(newline="")
    text.write(_BYTE_ORDER_MARK)
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(_HEADINGS)
    for each in people:
        identifier = each["identifier"] or {"kind": "", "value": ""}
        untrodden = "; ".join(f"{one['kind']} {one['value']}: {one['code']}" for one in each["tries"])
        writer.writerow(
            harmless(value or "")
            for value in (
                each["user"],
                each["mailbox"],
                each["state"] if each["read"] else f"{each['state']}, not read",
                identifier["kind"],
                identifier["value"],
                each["read_mode"],
                each["finding"],
                each["reason"],
                each["says"],
                each["suggestion"],
                each["next_try"],
                untrodden,
                str(each["stream"] or ""),
                each["last_change"],
                each["last_told"],
                each["last_question"],
            )
        )
    return text.getvalue().encode("utf-8", "backslashreplace")


def harmless(value: str) -> str:
    """Put an apostrophe before what a spreadsheet would carry out as a formula, and a ? for what steers a terminal."""
    return printable(f"'{value}" if value.startswith(_FORMULA) else value)
