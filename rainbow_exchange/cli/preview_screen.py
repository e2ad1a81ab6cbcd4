"""The screen of `rainbow-exchange preview`: the daemon's answer as lines for a person. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

_MODES = {
    "own": "read by itself",
    "batched": "read with others, by free/busy",
    None: "no mailbox",
}


def lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Give the lines of the screen; `answer` as `docs/reference/commands.md` has it."""
    if answer["state"] != "shown":
        yield f"{answer['address']}: {answer['reason']}"
        return
    mailbox = f"mailbox {answer['mailbox']}, " if answer["mailbox"] else ""
    yield f"{answer['user']}: {mailbox}{_MODES[answer['read_mode']]}"
    yield f"Privacy: {answer['privacy']['level']}, by {answer['privacy']['rule']}"
    if answer["reason"]:
        yield answer["reason"]
    yield ""
    yield from _events(answer["events"])
    yield ""
    yield from _auto_reply(answer["autoreply"])
    yield ""
    if notify := answer.get("notify"):  # a daemon that is older than this command says nothing of it
        yield "Told of a change, before Rainbow asks"
        yield from _table(_rows(notify["fields"]))
        yield ""
    yield "Never told"
    yield from _table([[field["name"], "", field["rule"]] for field in answer["never"]])
    for name in [each for each in ("notify", "events", "autoreply") if each in answer]:
        yield ""
        yield f"On the wire, {name}, {answer[name]['bytes']} bytes"
        yield from answer[name]["wire"].split("\n")


def _events(events: Mapping[str, Any]) -> Iterator[str]:
    window = events["window"]
    yield f"Appointments from {window['start']} to {window['end']}"
    if events.get("refused"):
        yield _refused(events)
        return
    if events["stale"]:
        yield f"  Exchange cannot be read now; these were read at {events['read_at']}."
    if events["doubtful"]:
        yield "  Read by free/busy: what is Confidential or Personal is not known, and its subject is shown."
    if not events["items"]:
        yield "  none"
    for item in events["items"]:
        yield from _table(_rows(item))
        yield ""
    if events["left_out"]:
        yield f"  {events['left_out']} more do not fit into an answer."


def _auto_reply(reply: Mapping[str, Any]) -> Iterator[str]:
    yield "Automatic reply"
    yield from [_refused(reply)] if reply.get("refused") else _table(_rows(reply["fields"]))


def _refused(block: Mapping[str, Any]) -> str:
    why = f" ({block['why']})" if block["why"] else ""
    return f"  refused: {block['refused']}{why}"


def _rows(fields: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    return [
        [field["name"], "-" if field["value"] is None else " ".join(field["value"].split()), field["rule"]]
        for field in fields
    ]


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    first, second = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    for name, value, rule in rows:
        yield f"  {name:{first}}  {value:{second}}{'  ' if second else ''}{rule}"
