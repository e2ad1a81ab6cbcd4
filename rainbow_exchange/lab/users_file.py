"""Reading a company from a users file, or one user from JSON (`docs/reference/lab.md`)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rainbow_exchange.errors import UserError
from rainbow_exchange.lab.user import COMPANY_ID, COMPANY_NAME, EMAIL_TYPES, LabUser, MailboxOf, jid_of, made_id


def read_users_file(path: Path) -> list[LabUser]:
    """Read a JSON list of Rainbow user objects, each with an optional `mailbox`.

    Raise UserError with every fault found, each naming the user by position and login.
    """
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError([f"users file {path}: cannot be read ({error.strerror}); check the path"]) from error
    except ValueError as error:
        raise UserError([f"users file {path}: not JSON in UTF-8 ({error}); it must be a list of users"]) from error
    if not isinstance(listed, list):
        raise UserError([f"users file {path}: must be a JSON list of user objects, is {type(listed).__name__}"])
    problems: list[str] = []
    users: list[LabUser] = []
    ids: set[str] = set()
    logins: set[str] = set()
    for position, entry in enumerate(listed, start=1):
        where = f"users file {path}, user {position}"
        if isinstance(entry, dict) and isinstance(entry.get("loginEmail"), str):
            where += f" ({entry['loginEmail']})"
        try:
            user = user_from_json(entry)
        except UserError as error:
            problems += [f"{where}: {problem}" for problem in error.problems]
            continue
        if user.id in ids:
            problems.append(f"{where}: id {user.id} stands twice; give each user an id of its own")
        if user.login_email.lower() in logins:
            problems.append(f"{where}: this loginEmail stands twice; give each user a login of its own")
        ids.add(user.id)
        logins.add(user.login_email.lower())
        users.append(user)
    if problems:
        raise UserError(problems)
    return users


_KNOWN = frozenset(
    (
        *("id", "loginEmail", "firstName", "lastName", "displayName", "emails", "authenticationExternalUid", "roles"),
        *("companyId", "companyName", "jid_im", "jid_tel", "jid_password", "isActive", "isInitialized", "isTerminated"),
        *("guestMode", "timezone", "language", "lastUpdateDate", "userInfo1", "userInfo2", "mailbox"),
    )
)


def user_from_json(entry: object) -> LabUser:
    """Read one Rainbow user object, possibly partial: only `loginEmail` must be there.

    Missing ids and JIDs are made from the login. The mailbox: `mailbox` if it is there (an address, null, or an object
    with address, aliases, upn, sid, right, timezone); otherwise the first work address, otherwise the login. Raise
    UserError with every fault.
    """
    if not isinstance(entry, dict):
        raise UserError([f"must be an object, is {type(entry).__name__}"])
    read = _Fields(entry)
    login = read.text("loginEmail", "")
    if not login:
        read.problems.append("loginEmail is missing; it must be the user's Rainbow login")
    user_id = read.text("id", "") or made_id("user", login.lower())
    emails = _emails(entry.get("emails", []), read.problems)
    jid, jid_password = jid_of(user_id)
    first, last = read.text("firstName", ""), read.text("lastName", "")
    mailbox = _mailbox(entry, login, emails, read.problems)
    user = LabUser(
        id=user_id,
        login_email=login,
        first_name=first,
        last_name=last,
        display_name=read.text("displayName", "") or f"{first} {last}".strip() or login,
        emails=emails,
        external_uid=read.text("authenticationExternalUid", "") or None,
        roles=_roles(entry.get("roles", ["user"]), read.problems),
        company_id=read.text("companyId", COMPANY_ID),
        company_name=read.text("companyName", COMPANY_NAME),
        jid=read.text("jid_im", jid),
        jid_password=read.text("jid_password", jid_password),
        is_active=read.flag("isActive", default=True),
        is_initialized=read.flag("isInitialized", default=True),
        is_terminated=read.flag("isTerminated", default=False),
        guest_mode=read.flag("guestMode", default=False),
        timezone=read.text("timezone", "Europe/Paris"),
        language=read.text("language", "fr"),
        last_update=read.text("lastUpdateDate", "2026-01-04T10:00:00.000Z"),
        user_info=(read.text("userInfo1", "") or None, read.text("userInfo2", "") or None),
        extra={key: value for key, value in entry.items() if key not in _KNOWN},
        mailbox=mailbox,
    )
    if read.problems:
        raise UserError(read.problems)
    return user


class _Fields:
    """Typed access to the fields of a JSON object; what is of the wrong type is a problem. null counts as absent."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self._entry = entry
        self.problems: list[str] = []

    def text(self, key: str, default: str) -> str:
        value = self._entry.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.problems.append(f"{key} must be a text, is {type(value).__name__}")
            return default
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._entry.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.problems.append(f"{key} must be true or false, is {type(value).__name__}")
            return default
        return value


def _emails(listed: object, problems: list[str]) -> tuple[tuple[str, str], ...]:
    if not isinstance(listed, list):
        problems.append('emails must be a list of {"email": …, "type": "work" | "home" | "other"}')
        return ()
    read: list[tuple[str, str]] = []
    for entry in listed:
        match entry:
            case {"email": str(address), "type": ("work" | "home" | "other") as kind}:
                read.append((address, kind))
            case _:
                problems.append(f'an entry of emails must have "email" and a "type" of {", ".join(EMAIL_TYPES)}')
    return tuple(read)


def _roles(listed: object, problems: list[str]) -> tuple[str, ...]:
    if not isinstance(listed, list) or not all(isinstance(role, str) for role in listed):
        problems.append("roles must be a list of texts")
        return ()
    return tuple(listed)


def _mailbox(
    entry: Mapping[str, Any], login: str, emails: Sequence[tuple[str, str]], problems: list[str]
) -> MailboxOf | None:
    wrong = "mailbox must be an address, null, or an object with an address"
    if "mailbox" not in entry:
        work = [address for address, kind in emails if kind == "work"]
        return MailboxOf(address=work[0] if work else login)
    match entry["mailbox"]:
        case None:
            return None
        case str(address) if "@" in address:
            return MailboxOf(address=address)
        case {"address": str(address)} as wished if "@" in address:
            return _mailbox_with_more(wished, problems)
        case _:
            problems.append(wrong)
            return None


def _mailbox_with_more(wished: Mapping[str, Any], problems: list[str]) -> MailboxOf | None:
    read = _Fields(wished)
    aliases = wished.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        read.problems.append("aliases must be a list of addresses")
        aliases = []
    unknown = wished.keys() - {"address", "aliases", "upn", "sid", "right", "timezone"}
    read.problems += [f"{key} is not known; take it out" for key in sorted(unknown)]
    mailbox = MailboxOf(
        address=wished["address"],
        aliases=tuple(aliases),
        upn=read.text("upn", "") or None,
        sid=read.text("sid", "") or None,
        right=read.text("right", "") or None,
        timezone=read.text("timezone", "") or None,
    )
    problems += [f"mailbox: {problem}" for problem in read.problems]
    return mailbox
