"""`/people/{id}`: one person, from the Rainbow user to Rainbow's last question, and what can be done about it.

A person is named by Rainbow's id of the user, never by an address: paths stand in browsers' histories and proxies'
logs. No subject is in any of these but the preview of what Rainbow would be told, which must be asked for.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from tzlocal import get_localzone, get_localzone_name

from rainbow_exchange.bridge.history import KEPT_FOR, Entry, What
from rainbow_exchange.bridge.people import name_of
from rainbow_exchange.bridge.roster import Member
from rainbow_exchange.diagnosis import verdict
from rainbow_exchange.diagnosis.explained import chain as chain_of
from rainbow_exchange.diagnosis.explained import person_at
from rainbow_exchange.diagnosis.happened import said
from rainbow_exchange.diagnosis.mailboxes import row
from rainbow_exchange.diagnosis.when import past_instant
from rainbow_exchange.local_calls import Known
from rainbow_exchange.page.people import path_of
from rainbow_exchange.web.view import Change, NotFound, Sorry, View
from rainbow_exchange.words import _

#: the links of the chain, in the order in which a change goes
_CHAIN = ("mailbox", "exchange", "stream", "agenda", "absence", "rainbow", "told", "asked")
_DONE = frozenset({"retried", "read", "streamed"})


def person_views(known: Known) -> tuple[View, ...]:
    """Make the views of one person: now, then, and what Rainbow would be told."""
    pages = _Person(known)
    return (
        View(
            path="/people/{id}",
            template="person.html",
            context=pages.now,
            parts=("person_verdict", "person_chain"),
        ),
        View(path="/people/{id}/at", template="person_at.html", context=pages.then),
        View(path="/people/{id}/told", template="person_told.html", context=pages.told),
    )


def person_changes(known: Known) -> tuple[Change, ...]:
    """Make what can be done about one person."""
    pages = _Person(known)
    return (
        Change(path="/people/{id}/retry", work=pages.retry),
        Change(path="/people/{id}/read", work=pages.read_again),
    )


class _Person:
    """What is shown of one person, and done about it."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._sides = known.sides

    async def now(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        """Give the chain as it is."""
        user_id = values["id"]
        bridge, member = self._sides.bridge(), self._member(user_id)
        chain = chain_of(self._sides, user_id)
        if member is None or bridge is None or chain["state"] != "explained":
            return self._kept(user_id) | {"chain": None, "why_not": chain["verdict"]["because"], "work": None}
        shown = row(bridge, member)
        broken = verdict.broken_links(chain)
        return self._kept(user_id) | {
            "chain": chain,
            "why_not": "",
            "row": shown,
            "name": shown["user"],
            "links": {link: _state_of(link, chain, broken) for link in _CHAIN},
            "done": values.get("done") if values.get("done") in _DONE else "",
            "work": await self._work(values.get("work", "")),
        }

    async def then(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        """Give the chain as it was."""
        user_id, text = values["id"], values.get("at", "")
        member = self._member(user_id)
        kept = self._kept(user_id) | {"name": name_of(member) if member else "", "past": None, "fault": ""}
        try:
            at = past_instant(text, self._known.now(), get_localzone())
        except ValueError:
            fault = _("Give a time of the last 24 hours; what was before is not kept.")
            return kept | {"fault": fault}
        past = person_at(self._sides, user_id, at.astimezone(UTC))
        if past["state"] != "past":
            return kept | {"fault": past["verdict"]["because"]}
        around = list(_around(self._sides.history.of(user_id), at))
        mailbox = past["mailbox"] and said(What.MAILBOX, past["mailbox"]["detail"])
        return kept | {"past": past, "mailbox": mailbox, "around": around, "wanted": self._local(at)}

    async def told(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        """Give what Rainbow would be told: read at Exchange now, by the parts that answer Rainbow."""
        user_id = values["id"]
        self._member(user_id)
        shown = await self._known.daemon.preview(user_id)
        return {"path_here": path_of(user_id), "shown": shown, "name": shown.get("user") or ""}

    async def retry(self, form: Mapping[str, str]) -> str:
        """Try at once what was to be tried later."""
        path = path_of(form["id"])
        self._demand(form["id"], path)
        tried = self._known.daemon.retry([form["id"]])
        done = next((name for name in ("retried", "read", "streamed") if tried.get(name)), "retried")
        return f"{path}?{urlencode({'done': done})}"

    async def read_again(self, form: Mapping[str, str]) -> str:
        """Read this person anew, and have Rainbow told."""
        path = path_of(form["id"])
        self._demand(form["id"], path)
        job = await self._known.resyncs.answer({"addresses": [form["id"]]})
        if job["state"] == "failed":
            raise Sorry(job["says"], path)
        return f"{path}?{urlencode({'work': job['job']})}"

    def _member(self, user_id: str) -> Member | None:
        """Give who is meant; None while the users are not known. Raises NotFound."""
        bridge = self._sides.bridge()
        if bridge is None:
            return None
        member = bridge.parts.roster.get(user_id)
        if member is None and bridge.membership.listing.listed:
            raise NotFound
        return member

    def _demand(self, user_id: str, back: str) -> None:
        """Raise Sorry while the users are not known, and NotFound."""
        if self._member(user_id) is None:
            raise Sorry(chain_of(self._sides, user_id)["verdict"]["because"], back)

    def _kept(self, user_id: str) -> dict[str, Any]:
        """Say what a form needs that asks for a time of the last day; all in this machine's zone."""
        now = self._known.now()
        return {
            "path_here": path_of(user_id),
            "zone": get_localzone_name(),
            "earliest": self._local(now - KEPT_FOR),
            "latest": self._local(now),
            "wanted": self._local(now - timedelta(hours=1)),
        }

    @staticmethod
    def _local(at: datetime) -> str:
        """Write an instant as the field of a form has it."""
        return at.astimezone(get_localzone()).strftime("%Y-%m-%dT%H:%M")

    async def _work(self, job: str) -> Mapping[str, Any] | None:
        """Look at what *read again* has begun; None for what is not known any more."""
        view = await self._known.resyncs.answer({"job": job}) if job else None
        return view if view and view["job"] else None


def _state_of(link: str, chain: Mapping[str, Any], broken: Mapping[str, str]) -> str:
    """Say how a link stands: "good", "bad", "wait" (about to be), "idle" (there is nothing yet to go by)."""
    if link in broken:
        return "bad"
    if chain["verdict"]["right"] is None and chain["verdict"]["broken"] == link:
        return "wait"
    if link in {"stream", "agenda", "absence"} and chain[link] is None:
        return "idle"
    if link == "told" and chain["told"]["at"] is None:
        return "idle"
    if link == "asked" and chain["told"]["answered_at"]["events"] is None:
        return "idle"
    return "good"


def _around(story: Iterable[Entry], at: datetime) -> Iterator[dict[str, Any]]:
    """Give what happened within two hours before that instant and half an hour after it."""
    since, until = at - timedelta(hours=2), at + timedelta(minutes=30)
    for each in story:
        if each.last >= since and each.first <= until:
            says = said(each.what, each.detail)
            yield {"first": each.first, "last": each.last, "count": each.count, "says": says}
