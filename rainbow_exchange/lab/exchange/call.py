"""One request as the operations see it: who asks, in whose name, and what that allows."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from rainbow_exchange.lab.exchange.accounts import Account
from rainbow_exchange.lab.exchange.back_ends import BackEnds
from rainbow_exchange.lab.exchange.calendar import Item
from rainbow_exchange.lab.exchange.dials import Dials
from rainbow_exchange.lab.exchange.errors import Fault, Refused
from rainbow_exchange.lab.exchange.flavour import Flavour
from rainbow_exchange.lab.exchange.mailbox import FOLDERS, Access, Directory, Mailbox, Right, decoded
from rainbow_exchange.lab.exchange.subscriptions import Subscriptions
from rainbow_exchange.lab.exchange.wire import Element, child, children, local, number, text

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
#: the attribute that holds the id; `Id` where the kind is not named here
_ID_IN = {"OccurrenceItemId": "RecurringMasterId", "RecurringMasterItemId": "OccurrenceId"}


@dataclass(slots=True, kw_only=True)
class Company:
    """What all requests share: the state of the simulated Exchange."""

    directory: Directory
    subscriptions: Subscriptions
    dials: Dials
    flavour: Flavour
    now: Callable[[], datetime]
    username: str
    back_ends: BackEnds

    def by_primary(self, address: str) -> Mailbox:
        """Give the mailbox of a primary SMTP address; an alias is refused by the primary's name."""
        found = self.directory.by_proxy.get(address.lower())
        if found is None:
            if not _ADDRESS.fullmatch(address):
                raise Refused("ErrorInvalidSmtpAddress", values={"SmtpAddress": address})
            raise Refused("ErrorNonExistentMailbox", values={"SmtpAddress": address})
        if found.address.lower() != address.lower():
            raise Refused("ErrorNonPrimarySmtpAddress", values={"Primary": found.address})
        self.troubled(found)
        return found

    def troubled(self, mailbox: Mailbox) -> None:
        """Refuse where a dial puts this mailbox in trouble."""
        if code := self.dials.mailbox_errors.get(mailbox.address.lower()):
            raise Refused(code)
        self.back_ends.check_moving(mailbox)


@dataclass(slots=True, kw_only=True)
class Call:
    """One request: `acting` is the mailbox in whose name it runs, by own login or by impersonation."""

    company: Company
    account: Account
    acting: Mailbox | None
    impersonated: bool
    zone: str
    """Windows name of the zone in which times without one are meant (t:TimeZoneContext)."""
    landed: str
    """Name of the mailbox server that the request was led to."""

    @property
    def charged(self) -> str:
        """Give whose budget pays: the impersonated mailbox's copy for this account, or the account's own."""
        return f"{self.account.name}>{self.acting.address}" if self.impersonated and self.acting else self.account.name

    @property
    def identity(self) -> str:
        """Give in whose name it runs."""
        return self.acting.address if self.acting else self.account.name

    def access(self, mailbox: Mailbox) -> Access:
        """Tell what the caller may do with a mailbox's folders."""
        if self.acting is mailbox:
            return Access.OWNER
        if self.account.service and not self.impersonated:
            return {Right.NONE: Access.NONE, Right.FREEBUSY: Access.FREEBUSY, Right.REVIEWER: Access.REVIEWER}[
                mailbox.right
            ]
        return Access.FREEBUSY

    def folder(self, element: Element, need: Access) -> tuple[Mailbox, str]:
        """Resolve t:DistinguishedFolderId or t:FolderId and check that the caller has `need` on it."""
        written = element.get("Id", "")
        if local(element) == "DistinguishedFolderId":
            if written not in FOLDERS:
                raise Refused("ErrorFolderNotFound")
            address = text(element, "Mailbox", "EmailAddress")
            mailbox = self.company.by_primary(address) if address else self.acting
            if mailbox is None:
                raise Refused("ErrorMissingEmailAddress")
            name = written
        else:
            found = decoded(written)
            mailbox = self.mailbox_of(found.guid, "ErrorFolderNotFound")
            if not found.folder:
                raise Refused("ErrorInvalidIdMalformed")
            name = found.folder
        self.company.troubled(mailbox)
        self._allow(mailbox, name, need)
        return mailbox, name

    def mailbox_of(self, guid: uuid.UUID, code: str) -> Mailbox:
        """Give the mailbox that an id names."""
        found = self.company.directory.by_guid.get(guid)
        if found is None:
            raise Refused(code)
        return found

    def _allow(self, mailbox: Mailbox, folder: str, need: Access) -> None:
        has = self.access(mailbox)
        if has is Access.REVIEWER and folder not in ("calendar", "root", "msgfolderroot"):
            has = Access.NONE
        if has >= need:
            return
        raise Refused("ErrorFolderNotFound" if has is Access.NONE else "ErrorAccessDenied")

    def item(self, element: Element, need: Access) -> tuple[Mailbox, Item, datetime | None]:
        """Resolve an item id of any kind: mailbox, item, and the original start of an instance of a series."""
        kind = local(element)
        found = decoded(element.get(_ID_IN.get(kind, "Id"), ""))
        mailbox = self.mailbox_of(found.guid, "ErrorItemNotFound")
        self.company.troubled(mailbox)
        item = mailbox.calendar.find(found.number)
        if self.access(mailbox) < min(need, Access.REVIEWER):
            raise Refused("ErrorItemNotFound")
        self._allow(mailbox, item.folder, need)
        if kind == "OccurrenceItemId":
            return mailbox, item, item.nth(number(element.get("InstanceIndex")))
        if kind == "RecurringMasterItemId" or found.original is None:
            return mailbox, item, None
        return mailbox, item, datetime.fromtimestamp(found.original, UTC)


def impersonated(company: Company, account: Account, header: Element | None) -> Mailbox | None:
    """Give the mailbox that the SOAP header names, None without that header; raises Fault."""
    wanted = child(header, "ExchangeImpersonation")
    if wanted is None:
        return None
    names = [(local(each), (each.text or "").strip()) for each in children(child(wanted, "ConnectingSID"))]
    if len(names) != 1 or not names[0][1]:
        raise Fault("ErrorInvalidExchangeImpersonationHeaderData")
    kind, name = names[0]
    try:
        mailbox = company.by_primary(name) if kind == "PrimarySmtpAddress" else _by_other(company, kind, name)
    except Refused as error:
        raise Fault(error.code, values=error.values) from error
    if not (account.service and company.dials.impersonation):
        raise Fault("ErrorImpersonateUserDenied")
    return mailbox


def _by_other(company: Company, kind: str, name: str) -> Mailbox:
    directory = company.directory
    tables = {"SID": directory.by_sid, "SmtpAddress": directory.by_proxy, "PrincipalName": directory.by_upn}
    found = tables.get(kind, {}).get(name.upper() if kind == "SID" else name.lower())
    if found is None:
        raise Refused("ErrorNonExistentMailbox", values={"SmtpAddress": name})
    company.troubled(found)
    return found
