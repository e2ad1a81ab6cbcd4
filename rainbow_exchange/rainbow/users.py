"""Users of the company as `GET admin/v1.0/users?format=full` gives them, and the check of its pages (pure)."""

from typing import Any

from rainbow_exchange.rainbow.errors import ListMoved, UnexpectedAnswer
from rainbow_exchange.rainbow.types import RainbowUser


def text(value: object) -> str | None:
    """Take a JSON string that is not empty and can be written as UTF-8; None for anything else."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def read_user(value: object) -> RainbowUser | None:
    """Read one user; None where it lacks its id or its login address."""
    if not isinstance(value, dict):
        return None
    id_, login = text(value.get("id")), text(value.get("loginEmail"))
    if id_ is None or login is None:
        return None
    return RainbowUser(
        id=id_,
        login_email=login,
        work_emails=_emails(value, "work"),
        personal_emails=_emails(value, "home"),
        other_emails=_emails(value, "other"),
        external_uid=text(value.get("authenticationExternalUid")),
        language=text(value.get("language")),
        is_active=value.get("isActive") is not False and value.get("isTerminated") is not True,
    )


def _emails(user: dict[str, Any], type_: str) -> tuple[str, ...]:
    entries = user.get("emails")
    if not isinstance(entries, list):
        return ()
    found = (text(entry.get("email")) for entry in entries if isinstance(entry, dict) and entry.get("type") == type_)
    return tuple(email for email in found if email is not None)


class Listing:
    """Reads a list page by page and refuses pages that do not add up, so that reading it always ends.

    `offset` is where the next page begins; `complete` whether all have come; `unreadable` counts entries left out.
    """

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        self.offset = 0
        self.total: int | None = None
        self.unreadable = 0
        self._seen: set[str] = set()

    @property
    def complete(self) -> bool:
        """Whether every entry that Rainbow counts has come."""
        return self.total is not None and self.offset >= self.total

    def take(self, answer: object) -> list[RainbowUser]:
        """Read the page at `offset`. Raises UnexpectedAnswer; ListMoved where the list changed under the reading."""
        entries, total = self._page(answer)
        if self.total is not None and total != self.total:
            raise ListMoved(f"the list of users grew or shrank from {self.total} to {total} while it was read")
        self.total = total
        users = []
        for entry in entries:
            user = read_user(entry)
            if user is None:
                self.unreadable += 1
                continue
            if user.id in self._seen:
                raise ListMoved(f"the page of users at {self.offset} repeats one that came before")
            self._seen.add(user.id)
            users.append(user)
        self.offset += len(entries)
        return users

    def _page(self, answer: object) -> tuple[list[object], int]:
        where = f"the page of users at {self.offset}"
        if not isinstance(answer, dict):
            raise UnexpectedAnswer(f"{where} is not an object")
        entries, total = answer.get("data"), _count(answer.get("total"))
        if not isinstance(entries, list):
            raise UnexpectedAnswer(f"{where} holds no list")
        if total is None:
            raise UnexpectedAnswer(f"{where} does not say how many there are")
        if self.offset + len(entries) > total:
            raise UnexpectedAnswer(f"{where}: {self.offset + len(entries)} came of a total of {total}")
        offset, limit = _count(answer.get("offset")), _count(answer.get("limit"))
        if offset is not None and offset != self.offset:
            raise UnexpectedAnswer(f"{where} says it is the one at {offset}")
        # A server that caps the size of a page says so in its `limit`.
        size = min(self.limit, limit) if limit else self.limit
        expected = min(size, total - self.offset)
        if len(entries) != expected:
            raise UnexpectedAnswer(f"{where} holds {len(entries)} entries instead of {expected}")
        return entries, total


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
