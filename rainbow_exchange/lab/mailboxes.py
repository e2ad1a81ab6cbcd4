"""The mailboxes of the lab's Exchange, made and removed as its administrator does, over the lab's own wire."""

from dataclasses import dataclass
from urllib.parse import quote

from rainbow_exchange.lab.lab_calls import LabCalls
from rainbow_exchange.lab.owner_wire import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxListed:
    """A mailbox, with all names by which it is found."""

    address: str
    name: str
    aliases: tuple[str, ...]
    upn: str


class Mailboxes:
    """The mailboxes. All calls raise Refused, aiohttp.ClientError or TimeoutError."""

    def __init__(self, lab: LabCalls) -> None:
        self._lab = lab

    async def listed(self) -> list[MailboxListed]:
        """List all."""
        answer = await self._lab.call("GET", "mailboxes")
        if not isinstance(answer, list):
            raise Refused("answer-not-understood")
        return [
            MailboxListed(
                address=each["address"], name=each["display_name"], aliases=tuple(each["aliases"]), upn=each["upn"]
            )
            for each in answer
        ]

    async def add(self, address: str, name: str) -> None:
        """Make a mailbox, with the right of the service account that most others have."""
        listed = await self._lab.call("GET", "mailboxes")
        rights = [each["right"] for each in listed]
        usual = {"right": max(rights, key=rights.count)} if rights else {}
        await self._lab.call("POST", "mailboxes", body={"address": address, "display_name": name} | usual)

    async def remove(self, address: str) -> None:
        """Remove a mailbox, and all that is in it."""
        await self._lab.call("DELETE", f"mailboxes/{quote(address)}")
