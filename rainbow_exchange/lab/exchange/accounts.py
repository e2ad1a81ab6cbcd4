"""Who may sign in to the lab's Exchange: under which names, with which password, and who is locked out."""

from collections import Counter
from dataclasses import dataclass

from rainbow_exchange.lab.exchange.dials import Dials
from rainbow_exchange.lab.exchange.mailbox import Directory, Mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who signed in. `name` in lower case; `mailbox` is theirs, None for a service account without one."""

    name: str
    mailbox: Mailbox | None
    service: bool


class Accounts:
    """The service accounts and the owners of the mailboxes; `domain` is the company's DNS domain."""

    def __init__(self, *, directory: Directory, username: str, password: str, domain: str, dials: Dials) -> None:
        self._directory = directory
        self._username = username.lower()
        self._password = password
        self._domain = domain.lower()
        self._dials = dials
        self._wrong: Counter[str] = Counter()

    @property
    def service(self) -> Account:
        """Give the service account."""
        return Account(name=self._username, mailbox=self._directory.by_proxy.get(self._username), service=True)

    def named(self, written: str) -> Account | None:
        r"""Give the account behind `name`, `DOMAIN\name`, an address or a UPN, None where there is none."""
        domain, _, name = written.lower().rpartition("\\")
        if domain not in ("", self._domain, self._domain.partition(".")[0]):
            return None
        plain = name.removesuffix(f"@{self._domain}")
        mailbox = self._directory.by_proxy.get(name) or self._directory.by_upn.get(name)
        if plain in (self._username, *map(str.lower, self._dials.service_accounts)):
            return Account(name=plain, mailbox=mailbox, service=True)
        if mailbox is None and "@" not in name:
            mailbox = self._directory.by_proxy.get(f"{name}@{self._domain}")
        return Account(name=mailbox.address, mailbox=mailbox, service=False) if mailbox else None

    def password(self, account: Account) -> str:
        """Give the password that this account signs in with."""
        return self._dials.passwords.get(account.name, self._password)

    def barred(self, account: Account) -> str:
        """Say why the account may not sign in whatever its password: "locked", "expired", or "" when it may."""
        if account.name in self._dials.locked_accounts:
            return "locked"
        return "expired" if account.name in self._dials.expired_accounts else ""

    def wrong(self, account: Account) -> None:
        """Count a wrong password; the account is locked at as many in a row as a dial says."""
        self._wrong[account.name] += 1
        if 0 < self._dials.lock_out_after <= self._wrong[account.name]:
            self._dials.locked_accounts = [*self._dials.locked_accounts, account.name]
            del self._wrong[account.name]

    def right(self, account: Account) -> None:
        """Begin the count of wrong passwords anew."""
        self._wrong.pop(account.name, None)
