"""What the running daemon gives to a bundle, part by part: its secrets are taken out, people whoever packs it hides.

The call: POST `/api/bundle` with `{"part": "facts" | "status" | "metrics" | "log" | "people", "after": "..."}`.
"""

import asyncio
import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from rainbow_exchange import __version__, logs
from rainbow_exchange.bridge.member import Member
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.diagnosis.bundle.cleaning import Cleaning
from rainbow_exchange.diagnosis.bundle.sources import shared_domains
from rainbow_exchange.own_keyring import whose
from rainbow_exchange.web.calls import Call

SCHEMA_VERSION = 1
PARTS = ("facts", "status", "metrics", "log", "people")
#: settings that name an account, or the company
_OWN = frozenset(
    {"exchange.username", "exchange.fallback_username", "rainbow.login", "rainbow.proxy_username", "rainbow.company_id"}
)
#: of an answer: bytes of log, people
_LOG_BYTES = 4 * 1024 * 1024
_PEOPLE = 10_000


def serve(
    *,
    status: Callable[[], Mapping[str, Any]],
    metrics: Callable[[], bytes],
    members: Callable[[], Iterable[Member]],
    secrets: Callable[[], Secrets],
    started: str,
) -> Call:
    """Give what answers the call above."""

    async def answer(wanted: object) -> Mapping[str, Any]:
        part = wanted.get("part") if isinstance(wanted, dict) else None
        after = wanted.get("after", "") if isinstance(wanted, dict) else ""
        if part not in PARTS or not isinstance(after, str):
            raise ValueError(f'{{"part": ...}} is needed, one of {", ".join(PARTS)}')
        cleaning = Cleaning(None, values(secrets()))
        # What takes long is done beside the loop: nobody's change may wait for it.
        content: Any
        match part:
            case "facts":
                content = facts(started)
            case "status":
                content = await asyncio.to_thread(cleaning.value, dict(status()))
            case "metrics":
                content = await asyncio.to_thread(cleaning.text, metrics().decode())
            case "log":
                content = await asyncio.to_thread(_log, logs.recent(), cleaning)
            case _:
                content = await asyncio.to_thread(people, list(members()), after, own(status()) if not after else ())
        return {"schema_version": SCHEMA_VERSION, "content": content}

    return answer


def values(secrets: Secrets) -> Iterator[str]:
    """Give all that is secret."""
    found = (
        getattr(secrets, field.name) for field in fields(secrets) if field.name not in {"keyring_problem", "exposed"}
    )
    return filter(None, found)


def _log(lines: Iterable[str], cleaning: Cleaning) -> list[str]:
    return [cleaning.log_line(line) for line in last_lines(lines, _LOG_BYTES)]


def facts(started: str) -> dict[str, Any]:
    """Say what runs, as whom, and since when."""
    return {
        "version": __version__,
        "python": platform.python_version(),
        "pid": os.getpid(),
        "started": started,
        "runs_as": whose(),
    }


def last_lines(lines: Iterable[str], most: int) -> list[str]:
    """Give the last of `lines` that fit into so many bytes of JSON."""
    given: list[str] = []
    for line in reversed(list(lines)):
        most -= len(json.dumps(line)) + 2
        if most < 0:
            break
        given.append(line)
    return given[::-1]


def own(status: Mapping[str, Any]) -> set[str]:
    """Give the names of the accounts that the connector itself signs in with."""
    values = [each["value"] for each in status["settings"] if each["name"] in _OWN]
    return {name for name in (status["exchange"].get("account"), *values) if isinstance(name, str) and name}


def people(members: Iterable[Member], after: str, accounts: Iterable[str] = ()) -> dict[str, Any]:
    """Give the names, the login first, of people whose id comes after `after`; `next` leads on, null at the end.

    `domains`: those that several of them have, which are the company's; `accounts` go with the first.
    """
    everybody = sorted(members, key=lambda member: member.user.id)
    page = [member for member in everybody if member.user.id > after][: _PEOPLE + 1]
    more = len(page) > _PEOPLE
    return {
        "names": [
            *([sorted(accounts)] if accounts else []),
            *(list(dict.fromkeys(_names(each))) for each in page[:_PEOPLE]),
        ],
        "domains": [] if after else shared_domains([member.user.login_email] for member in everybody),
        "next": page[_PEOPLE - 1].user.id if more else None,
    }


def _names(member: Member) -> Iterator[str]:
    user = member.user
    yield from (user.login_email, user.id, *user.work_emails, *user.personal_emails, *user.other_emails)
    if user.external_uid:
        yield user.external_uid
    if member.mailbox:
        yield member.mailbox.address
        if member.mailbox.principal:
            yield member.mailbox.principal
