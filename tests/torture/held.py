"""Whether Rainbow holds of everybody what Exchange has: both labs over their own wires, without the product."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

Ask = Callable[..., Any]

SHOW_AS = {
    "Free": "free",
    "Tentative": "tentative",
    "Busy": "busy",
    "OOF": "oof",
    "WorkingElsewhere": "workingelsewhere",
}
#: what stands for the subject of a private appointment, in English
PRIVATE = "Private appointment"


def items(exchange: Ask, address: str, start: datetime | None = None, end: datetime | None = None) -> list[Any]:
    """List what lies in a calendar between these instants, or around now, as Exchange has it."""
    start = start or datetime.now(UTC) - timedelta(days=1)
    span = {"start": start.isoformat(), "end": (end or start + timedelta(days=4)).isoformat()}
    found: list[Any] = exchange("GET", f"mailboxes/{address}/calendar?{urlencode(span)}")
    return found


def wrong(rainbow: Ask, exchange: Ask, mailboxes: dict[str, str]) -> list[str]:
    """List what Rainbow was not told since its record began, or holds otherwise than Exchange has it.

    `mailboxes` are addresses by user id.
    """
    found, now = [], datetime.now(UTC)
    known, asked = rainbow("GET", "known"), _asked_until(rainbow)
    for user_id, name in mailboxes.items():
        holds = known[user_id]
        if user_id not in asked or holds["events"] is None or holds["autoReply"] is None:
            found.append(f"nothing is known of {name}")
            continue
        end = asked[user_id]
        has = sorted(_as_rainbow_holds_it(each) for each in items(exchange, name, now, end))
        shown = [
            (each["subject"], each["showAs"], _at(each["startDate"]), _at(each["endDate"])) for each in holds["events"]
        ]
        if sorted(each for each in shown if each[2] < end and each[3] > now) != has:
            found.append(f"{name} shows {shown}, has {has}")
        oof = exchange("GET", f"mailboxes/{name}/out-of-office")
        absent = oof["internal"] if oof["state"] == "Enabled" else None
        reply = holds["autoReply"]
        if (reply["internalReplyMessage"] if reply["state"] == "enabled" else None) != absent:
            found.append(f"{name} shows {reply}, has {oof}")
    return found


def _asked_until(rainbow: Ask) -> dict[str, datetime]:
    """Give by user the end of the window of the last question about events that was answered."""
    questions = rainbow("GET", "requests?only=questions")["questions"]
    answered = [each for each in questions if (each["kind"], each["outcome"]) == ("events", "result")]
    return {each["user_id"]: _at(each["window"][1]) for each in answered}


def _as_rainbow_holds_it(item: dict[str, Any]) -> tuple[str, str, datetime, datetime]:
    subject = PRIVATE if item["sensitivity"] in ("Private", "Confidential") else item["subject"]
    return subject, SHOW_AS[item["show_as"]], _at(item["start"]), _at(item["end"])


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
