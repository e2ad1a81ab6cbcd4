"""From one identifier of a user to the mailbox behind it: aliases resolved, and what Exchange takes where."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

import structlog

from rainbow_exchange.bridge.member import folded
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.roster import Identifier, IdentifierKind, Member
from rainbow_exchange.ews.directory import resolve
from rainbow_exchange.ews.errors import EwsError, ResponseError
from rainbow_exchange.ews.treatment import Treatment, is_refusal, treatment
from rainbow_exchange.ews.types import ResponseCode, is_sid
from rainbow_exchange.ews.watcher import Client
from rainbow_exchange.model import Mailbox

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What an earlier run remembered of a user: the identifier that worked and the mailbox it led to."""

    identifier: Identifier
    mailbox: Mailbox
    mode: Mode | None = None


class Take(Protocol):
    """Subscribes a mailbox for a member and settles whose it is; raises what Exchange refuses it with."""

    def __call__(
        self, member: Member, identifier: Identifier, mailbox: Mailbox, mode: Mode | None = None, /
    ) -> Awaitable[None]:
        """Take it."""


class Finding:
    """Finds the mailbox behind an identifier, and has it taken by `take`."""

    def __init__(self, client: Client, take: Take, *, impersonation: bool) -> None:
        self._client = client
        self._take = take
        self._impersonation = impersonation

    async def subscribe(
        self, member: Member, identifier: Identifier, known: Known | None, refused: ResponseError | None = None
    ) -> None:
        """Find the mailbox behind one identifier and subscribe it. Raises the refusal of the last candidate.

        `refused` is with what Exchange has just refused the very address.
        """
        value = folded(identifier.value)
        if (
            known is not None
            and known.identifier == identifier
            and await self._is_known(member, identifier, known.mailbox, known.mode)
        ):
            return
        if identifier.kind is IdentifierKind.EXTERNAL_UID:
            await self._subscribe_external(member, identifier, value)
            return
        try:
            if refused is not None:
                raise refused
            await self._take(member, identifier, Mailbox(address=value))
        except ResponseError as error:
            if treatment(error) is not Treatment.NEXT_IDENTIFIER:
                raise
            primary = _primary_named(error, value) or await self._resolve(value)
            if primary is None or primary == value:
                raise
            await self._take(member, identifier, Mailbox(address=primary))

    async def _subscribe_external(self, member: Member, identifier: Identifier, value: str) -> None:
        """An external UID may be an address or an alias; or a UPN or a SID, which go only into ConnectingSID."""
        by_principal = Mailbox(address=value, principal=identifier.value.strip())
        if is_sid(value) and self._impersonation:
            await self._take(member, identifier, by_principal)
        elif not is_sid(value) and (primary := await self._resolve(value)):
            await self._take(member, identifier, Mailbox(address=primary))
        elif "@" not in value:
            raise ResponseError(ResponseCode.NAME_RESOLUTION_NO_RESULTS)
        elif not self._impersonation:
            await self._take(member, identifier, Mailbox(address=value))
        elif not await self._is_known(member, identifier, Mailbox(address=value)):
            await self._take(member, identifier, by_principal)

    async def _resolve(self, value: str) -> str | None:
        try:
            primary = await resolve(self._client, value)
        except EwsError as error:
            if not is_refusal(error):
                raise
            log.debug("name_not_resolved", reason=str(error))
            return None
        return primary.lower() if primary else None

    async def _is_known(
        self, member: Member, identifier: Identifier, mailbox: Mailbox, mode: Mode | None = None
    ) -> bool:
        """Take a mailbox if Exchange knows it; False where it does not. Every other refusal is raised."""
        try:
            await self._take(member, identifier, mailbox, mode)
        except ResponseError as error:
            if treatment(error) is not Treatment.NEXT_IDENTIFIER:
                raise
            return False
        return True


def _primary_named(error: ResponseError, value: str) -> str | None:
    """Return the primary address that Exchange names when it was asked for an alias (ErrorNonPrimarySmtpAddress)."""
    if error.code != "ErrorNonPrimarySmtpAddress":
        return None
    named = (text.strip().lower() for text in error.values.values())
    return next((text for text in named if "@" in text and text != value), None)
