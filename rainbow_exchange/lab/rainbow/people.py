"""Who is at the lab's Rainbow: users by id, login and address, and pages of them. Pure.

A page costs what is on it: filtered and sorted lists are kept until somebody is added, removed or renamed.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from rainbow_exchange.lab.user import LabUser

_SORT_FIELDS: dict[str, Callable[[LabUser], str]] = {
    "displayName": lambda user: user.display_name.casefold(),
    "firstName": lambda user: user.first_name.casefold(),
    "lastName": lambda user: user.last_name.casefold(),
    "loginEmail": lambda user: user.login_email.casefold(),
    "id": lambda user: user.id,
}
_KEPT_VIEWS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The filters of `GET users` that the lab knows, with their documented defaults."""

    roles: frozenset[str] = frozenset({"user"})
    exclude_roles: frozenset[str] = frozenset()
    is_terminated: bool = False
    is_activated: bool | None = None
    login_email: str | None = None
    email: str | None = None
    search_email: str | None = None
    display_name: str | None = None
    sort_field: str = "displayName"
    descending: bool = False
    with_account: bool = False
    by: str = "exact"

    @property
    def whole(self) -> bool:
        """Whether these filters name nobody in particular: paging through them is a full listing."""
        return not (self.login_email or self.email or self.search_email or self.display_name)


SORT_FIELDS = frozenset(_SORT_FIELDS)


class People:
    """The users of one company, and `account`: the connector's own, listed only where a page asks for it."""

    def __init__(self, users: Iterable[LabUser], *, account: LabUser) -> None:
        self._by_id: dict[str, LabUser] = {}
        self._by_login: dict[str, str] = {}
        self._by_email: dict[str, dict[str, None]] = {}
        self._by_jid: dict[str, str] = {}
        self._views: dict[Filters, list[LabUser]] = {}
        self._connectors: dict[str, None] = {}
        for user in users:
            self.add(user)
        double = self.by_login(account.login_email)
        if double is not None:
            self.remove(double.id)
            account = replace(double, roles=tuple({*double.roles, *account.roles}))
        self.account = account
        self._listed_account = double is not None
        self.add(account)

    def __len__(self) -> int:
        return len(self._by_id) - 1 - len(self._connectors)

    def add(self, user: LabUser) -> None:
        """Add a user, or put this one in the place of the one with its id. Raise ValueError if the login is taken."""
        taken = self._by_login.get(user.login_email.lower())
        if taken not in (None, user.id):
            raise ValueError(f"the login {user.login_email} is taken")
        connectors = self._connectors
        self.remove(user.id)
        self._connectors = connectors
        self._by_id[user.id] = user
        self._by_login[user.login_email.lower()] = user.id
        self._by_jid[user.jid] = user.id
        for address, _ in user.emails:
            self._by_email.setdefault(address.lower(), {})[user.id] = None
        self._views.clear()

    def add_connector(self, user: LabUser) -> None:
        """Add a connector's user, or put it in front: the one activated last is asked first."""
        self.add(user)
        self._connectors = {user.id: None} | self._connectors

    def connectors(self) -> list[LabUser]:
        """All connectors' users, the one activated last first."""
        return [self._by_id[each] for each in self._connectors]

    def is_connector(self, user: LabUser) -> bool:
        """Whether this is a connector's user, or the account that stands for one."""
        return user.id in self._connectors or user.id == self.account.id

    def remove(self, user_id: str) -> LabUser | None:
        """Remove a user; None if there was none."""
        user = self._by_id.pop(user_id, None)
        if user is None:
            return None
        self._connectors = {each: None for each in self._connectors if each != user_id}
        self._by_login.pop(user.login_email.lower(), None)
        self._by_jid.pop(user.jid, None)
        for address, _ in user.emails:
            owners = self._by_email.get(address.lower(), {})
            owners.pop(user_id, None)
            if not owners:
                self._by_email.pop(address.lower(), None)
        self._views.clear()
        return user

    def everybody(self) -> Iterable[LabUser]:
        """All users, the account too."""
        return self._by_id.values()

    def by_id(self, user_id: str) -> LabUser | None:
        """Find the user with this id."""
        return self._by_id.get(user_id)

    def by_login(self, login: str) -> LabUser | None:
        """Find the user with this login, however it is written."""
        return self._by_id.get(self._by_login.get(login.lower(), ""))

    def by_jid(self, jid: str) -> LabUser | None:
        """Find the user with this bare JID."""
        return self._by_id.get(self._by_jid.get(jid, ""))

    def by_address(self, address: str) -> LabUser | None:
        """Find the user with this login, else the first with this address in the profile."""
        owners = self._by_email.get(address.lower(), {})
        return self.by_login(address) or next((self._by_id[owner] for owner in owners), None)

    def find(self, key: str) -> LabUser | None:
        """Find the user with this id or login."""
        return self.by_id(key) or self.by_login(key)

    def select(self, filters: Filters) -> list[LabUser]:
        """All that `filters` let through, sorted; not to be changed by the caller."""
        if filters.by == "ignored":
            filters = replace(filters, login_email=None, email=None)
        elif filters.by == "exact" and (filters.login_email is not None or filters.email is not None):
            return self._narrow(filters)
        view = self._views.get(filters)
        if view is None:
            if len(self._views) >= _KEPT_VIEWS:
                self._views.pop(next(iter(self._views)))
            view = self._sorted((user for user in self._by_id.values() if self._passes(user, filters)), filters)
            self._views[filters] = view
        return view

    def _narrow(self, filters: Filters) -> list[LabUser]:
        ids = set(self._by_login.values() if filters.login_email is None else ())
        if filters.login_email is not None:
            ids = {self._by_login.get(filters.login_email.lower(), "")}
        if filters.email is not None:
            owners = set(self._by_email.get(filters.email.lower(), ()))
            ids = owners if filters.login_email is None else ids & owners
        found = (self._by_id[each] for each in ids if each in self._by_id)
        return self._sorted((user for user in found if self._passes(user, filters)), filters)

    def _passes(self, user: LabUser, filters: Filters) -> bool:
        if user.id == self.account.id:
            if not (filters.with_account or self._listed_account):
                return False
        elif (
            user.id in self._connectors
            or not filters.roles & set(user.roles)
            or (user.guest_mode and "guest" not in filters.roles)
        ):
            return False
        return (
            not filters.exclude_roles & set(user.roles)
            and user.company_id == self.account.company_id
            and user.is_terminated == filters.is_terminated
            and filters.is_activated in (None, user.is_active)
            and (filters.search_email or "").lower() in user.login_email.lower()
            and (filters.display_name or "").casefold() in user.display_name.casefold()
            and (filters.by != "words" or _by_words(user, filters))
        )

    @staticmethod
    def _sorted(users: Iterable[LabUser], filters: Filters) -> list[LabUser]:
        key = _SORT_FIELDS[filters.sort_field]
        return sorted(users, key=lambda user: (key(user), user.id), reverse=filters.descending)


def _by_words(user: LabUser, filters: Filters) -> bool:
    """Whether the login, and one of the other addresses, hold all words of what is looked for."""
    emails = [_words(address) for address, _ in user.emails]
    return _words(filters.login_email or "") <= _words(user.login_email) and (
        filters.email is None or any(_words(filters.email) <= words for words in emails)
    )


def _words(address: str) -> set[str]:
    return {word for word in re.split(r"[^0-9a-z]+", address.lower()) if word}


def renamed(user: LabUser, changes: Mapping[str, object], read: LabUser) -> LabUser:
    """`user` with the fields of `read` that `changes` (a partial Rainbow user object) names; the id stays."""
    fields = {
        "loginEmail": ("login_email",),
        "firstName": ("first_name", "display_name"),
        "lastName": ("last_name", "display_name"),
        "displayName": ("display_name",),
        "emails": ("emails",),
        "authenticationExternalUid": ("external_uid",),
        "roles": ("roles",),
        "isActive": ("is_active",),
        "isTerminated": ("is_terminated",),
        "guestMode": ("guest_mode",),
        "language": ("language",),
        "timezone": ("timezone",),
    }
    names = {name for key in changes for name in fields.get(key, ())}
    return replace(user, **{name: getattr(read, name) for name in names})
