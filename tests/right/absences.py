"""People of the house who go away, and what Rainbow is told of them."""

from datetime import datetime
from typing import Any

from rainbow_exchange.lab.company import LabUser
from rainbow_exchange.lab.exchange.mailbox import Mailbox
from tests.house import House


def mailbox_of(house: House, person: LabUser) -> Mailbox:
    assert person.mailbox is not None
    return house.exchange.directory.by_address[person.mailbox.address]


def change(mailbox: Mailbox, values: dict[str, Any]) -> None:
    """Have somebody set this, and leave the rest."""
    for name, value in values.items():
        setattr(mailbox.oof, name, datetime.fromisoformat(value) if name in {"start", "end"} else value)


async def answer(house: House, person: LabUser) -> dict[str, Any]:
    """Ask about somebody's absence as Rainbow does; an error is told by its condition alone."""
    entry = await house.rainbow.questions.ask("autoreply", person.login_email)
    if entry["outcome"] == "error":
        return {"error": entry["condition"]}
    assert entry["outcome"] == "result", entry["outcome"]
    told: dict[str, Any] = entry["answer"]
    return {name: value for name, value in told.items() if value is not None}


def shown(house: House, person: LabUser) -> str:
    """Tell what a colleague's client makes of what Rainbow has asked for."""
    return house.rainbow.questions.shown(person).status
