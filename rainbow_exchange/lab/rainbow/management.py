"""Commands to connectors and their ends: REST on one side, `<message type="management">` on the other.

The calls, the message and its attributes are those of Rainbow's SDK. What becomes of a command to a connector that is
not there, and that every command gets an id, is ours (dial `command_ids`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from random import Random
from typing import Any

from lxml import etree

from rainbow_exchange.lab.rainbow import xmpp_words as words
from rainbow_exchange.lab.rainbow.dials import Dials
from rainbow_exchange.lab.rainbow.presence import iso
from rainbow_exchange.lab.rainbow.record import Record
from rainbow_exchange.lab.rainbow.sign_in import Refusal
from rainbow_exchange.lab.rainbow.streams import Streams
from rainbow_exchange.lab.user import LabUser

CONFIGURATION = "jabber:iq:configuration"

_COMMANDS = ("manual_synchro", "manual_dry_run", "manual_synchro_directories", "manual_dry_run_directories")
_ENDS = ("success", "failure")
#: commands whose end may still be reported
_KEPT = 1000


class Management:
    """What administrators order of a connector; `record.commands` tells what became of each."""

    def __init__(
        self, *, streams: Streams, dials: Dials, record: Record, now: Callable[[], datetime], random: Random
    ) -> None:
        self._streams = streams
        self._dials = dials
        self._record = record
        self._now = now
        self._random = random
        self._open: dict[str, tuple[dict[str, Any], str]] = {}
        streams.on_message = self._heard

    async def command(
        self, connector: LabUser, by: LabUser, body: Mapping[str, Any], *, config_id: str
    ) -> dict[str, Any]:
        """Send a command to the connector's live link. Raise Refusal."""
        name = body.get("command")
        if name not in _COMMANDS:
            details = [{"param": "command", "msg": f"Must be one of {', '.join(_COMMANDS)}"}]
            raise Refusal(status=400, code=400000, message="Bad request", details=details)
        command_id = f"{self._random.getrandbits(96):024x}" if self._dials.command_ids else ""
        attributes = {"command": name, "commandId": command_id, "ldapConfigId": config_id}
        if not await self.order(connector, "connectorcommand", attributes):
            raise Refusal(status=409, code=409000, message="Conflict", details="The connector is not connected")
        entry = {"at": iso(self._now()), "command": name, "command_id": command_id, "by": by.id}
        self._record.commands.append(entry | {"status": None, "details": None, "ended_at": None, "told_at": None})
        if not command_id:
            return {"status": f"Command {name} successfully sent"}
        self._open[command_id] = self._record.commands[-1], by.jid
        while len(self._open) > _KEPT:
            del self._open[next(iter(self._open))]
        return {"status": f"Command {name} successfully sent", "commandId": command_id}

    async def configuration_changed(self, connector: LabUser, config_id: str, action: str = "update") -> bool:
        """Have the connector read its configuration again; False where it is not connected."""
        return await self.order(connector, "connectorconfig", {"action": action, "configId": config_id})

    async def order(self, connector: LabUser, name: str, attributes: Mapping[str, str], *, sender: str = "") -> bool:
        """Send a management message, as the server itself or as `sender`; False where nobody is there to take it."""
        order = words.element(CONFIGURATION, name, {key: value for key, value in attributes.items() if value})
        return await self._send(order, connector.jid, sender=sender)

    async def report(self, command_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A connector says how a command ended, and whoever sent it is told. Raise Refusal."""
        if command_id not in self._open:
            raise Refusal(status=404, code=404000, message="Resource not found", details="Command does not exist")
        status, details = body.get("status"), body.get("details")
        if status not in _ENDS or not isinstance(details, str):
            wrong = [{"param": "status", "msg": f"Must be one of {', '.join(_ENDS)}, with details (a text)"}]
            raise Refusal(status=400, code=400000, message="Bad request", details=wrong)
        entry, initiator = self._open[command_id]
        entry |= {"status": status, "details": details, "ended_at": iso(self._now())}
        await self._send(words.element(CONFIGURATION, "command_ended", {"commandId": command_id}), initiator)
        return {"status": "Report created"}

    async def _send(self, order: etree._Element, bare: str, *, sender: str = "") -> bool:
        to = self._streams.available(bare)
        if to is None:
            return False
        message = words.element(words.CLIENT, "message", {"type": "management", "to": to})
        message.set("from", sender or self._streams.domain)
        message.set("id", f"{self._random.getrandbits(64):016x}")
        message.append(order)
        return await self._streams.deliver(to, words.text(message))

    def _heard(self, message: etree._Element) -> None:
        """A message came for the server itself: perhaps a connector says that a command has ended."""
        self._record.messages.append(
            {"at": iso(self._now()), "from": message.get("from"), "to": message.get("to"), "type": message.get("type")}
        )
        ended = message.find(f"{{{CONFIGURATION}}}command_ended")
        if ended is not None and ended.get("commandId") in self._open:
            self._open[ended.get("commandId", "")][0]["told_at"] = iso(self._now())
