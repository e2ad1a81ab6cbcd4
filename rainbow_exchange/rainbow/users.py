"""Users of the company as `GET admin/v1.0/users?format=full` gives them, and the check of its pages (pure)."""

from sys import intern
from typing import Any

from rainbow_exchange.rainbow.errors import ListMoved, UnexpectedAnswer
from rainbow_exchange.rainbow.types import RainbowUser
from rainbow_exchange.words import _

#: so many may be missing at the end of a list that moved, or one in a hundred of a long one
_MISSING = 10
#: pages that may be read: so many times those that a list has, since each may begin in the middle of the one before,
#: and so many more, for one that moves
_PAGES, _MORE_PAGES = 3, 50


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
        work_emails=_emails(value, "work", login),
        personal_emails=_emails(value, "home", login),
        other_emails=_emails(value, "other", login),
        external_uid=text(value.get("authenticationExternalUid")),
        language=intern(text(value.get("language")) or "") or None,
        is_active=(
            value.get("isActive") is not False
            and value.get("isTerminated") is not True
            and value.get("guestMode") is not True
        ),
    )


def _emails(user: dict[str, Any], type_: str, login: str) -> tuple[str, ...]:
    """Return the addresses of a type; one that is the login as well, as most are, is kept once."""
    entries = user.get("emails")
    if not isinstance(entries, list):
        return ()
    found = (text(entry.get("email")) for entry in entries if isinstance(entry, dict) and entry.get("type") == type_)
    return tuple(login if email == login else email for email in found if email is not None)


class Reading:
    """Reads a list that may change under the reading, page by page, so that it always ends and passes nobody over.

    Each page begins with the end of the one before. The list is sorted, so whoever came or went before that place shows
    as another entry there; where some went, the next page begins earlier, until it meets what was read already.
    `offset` is where the next page begins; `complete` whether the end is reached; `moved` whether the list changed:
    then whoever was renamed meanwhile, or stood beside them, may be missing. `unreadable` counts the entries left out.
    """

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        self.offset = 0
        self.total: int | None = None
        self.unreadable = 0
        self.complete = False
        self.moved = False
        self._seen: set[str] = set()
        self._end = 0  # of what was read
        self._expected = ""  # the entry with which the next page begins unless the list moves
        self._overlap = 1
        self._step_back = 0
        self._asked_again = False
        self._pages = 0
        self._longest = 1  # page: a server may give less at once than it is asked for

    @property
    def read(self) -> int:
        """How many entries have come."""
        return len(self._seen)

    def take(self, answer: object) -> list[RainbowUser]:
        """Read the page at `offset`; return whoever came for the first time.

        Raises UnexpectedAnswer where pages do not add up, ListMoved where the list changes faster than it can be read.
        """
        entries, total = self._page(answer)
        self.moved = self.moved or self.total not in {None, total} or self.offset + len(entries) > total
        self.total = total
        self._pages += 1
        self._longest = max(self._longest, len(entries))
        if self._pages > _PAGES * (total // self._longest) + _MORE_PAGES:
            raise ListMoved(
                _(
                    "the list of users changes faster than it can be read: {pages} pages of {total}",
                    pages=self._pages,
                    total=total,
                )
            )
        keys = [_key(entry) for entry in entries]
        if self.offset and not self._joins(keys):
            return []
        new = {key: entry for key, entry in zip(keys, entries, strict=True) if key not in self._seen}
        if len(keys) - len(new) > self._end - self.offset:
            self.moved = True  # somebody was further ahead, and stands here now
        self._seen.update(new)
        self._go_on(keys, total)
        users = [read_user(entry) for entry in new.values()]
        self.unreadable += users.count(None)
        return [user for user in users if user is not None]

    def _joins(self, keys: list[str]) -> bool:
        """Whether this page begins within what was read; else there may be a gap, and the next one begins earlier."""
        if keys and keys[0] == self._expected:
            return True
        self.moved = True
        if keys and keys[0] in self._seen:
            return True
        self._step_back = max(2 * self._step_back, self.limit // 10, 1)
        self._overlap = max(self._overlap, self.limit // 10)
        self.offset = max(0, self.offset - self._step_back)
        return False

    def _go_on(self, keys: list[str], total: int) -> None:
        self._end, self._step_back = self.offset + len(keys), 0
        overlap = min(self._overlap, max(1, len(keys) // 2))
        if self._end >= total:
            self.complete = True
        elif self._end - overlap > self.offset:
            self.offset, self._expected = self._end - overlap, keys[-overlap]
            self._asked_again = False
        elif not self._asked_again:  # they may have been counted just before somebody went
            self._asked_again = True
        else:
            self.complete = True
        missing = total - len(self._seen)
        if self.complete and missing > (max(_MISSING, total // 100) if self.moved else 0):
            raise UnexpectedAnswer(
                _("the list of users is said to hold {total}, and {number} came", total=total, number=len(self._seen))
            )

    def _page(self, answer: object) -> tuple[list[object], int]:
        where = _("the page of users at {offset}", offset=self.offset)
        if not isinstance(answer, dict):
            raise UnexpectedAnswer(_("{where} is not an object", where=where))
        entries, total = answer.get("data"), _count(answer.get("total"))
        if not isinstance(entries, list):
            raise UnexpectedAnswer(_("{where} holds no list", where=where))
        if total is None:
            raise UnexpectedAnswer(_("{where} does not say how many there are", where=where))
        offset = _count(answer.get("offset"))
        if offset is not None and offset != self.offset:
            raise UnexpectedAnswer(_("{where} says it is the one at {offset}", where=where, offset=offset))
        return entries, total


def _key(entry: object) -> str:
    """Return what an entry is known by; what cannot be read has to be known, too."""
    return (text(entry.get("id")) if isinstance(entry, dict) else None) or f"?{entry!r}"


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
