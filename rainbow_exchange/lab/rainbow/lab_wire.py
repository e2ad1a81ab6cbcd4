"""The lab's own wire at `/lab/…`: what tests and the curious see and turn (`docs/reference/lab.md`)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from rainbow_exchange.errors import UserError
from rainbow_exchange.lab.dial_values import BadDial
from rainbow_exchange.lab.outage import HOWS
from rainbow_exchange.lab.rainbow import link_faults
from rainbow_exchange.lab.rainbow.burst import Bursts, Wanted
from rainbow_exchange.lab.rainbow.connections import Connections
from rainbow_exchange.lab.rainbow.dials import Dials
from rainbow_exchange.lab.rainbow.link_faults import LinkFaults
from rainbow_exchange.lab.rainbow.outage import PARTS, RainbowOutage
from rainbow_exchange.lab.rainbow.people import People, renamed
from rainbow_exchange.lab.rainbow.presence import Known
from rainbow_exchange.lab.rainbow.questions import Questions
from rainbow_exchange.lab.rainbow.record import Record
from rainbow_exchange.lab.rainbow.sign_in import SignIn
from rainbow_exchange.lab.rainbow.streams import NoLink
from rainbow_exchange.lab.user import LabUser
from rainbow_exchange.lab.users_file import user_from_json

_ACTIONS = ("away", *link_faults.ACTIONS, "lock", "unlock", "expire_tokens", "lose_connections", "end_connections")
_QUESTIONS = ("events", "autoreply", "ping", "unknown")


class LabWire:
    """Record, users, dials and free questions."""

    def __init__(
        self,
        *,
        people: People,
        questions: Questions,
        bursts: Bursts,
        link_faults: LinkFaults,
        connections: Connections,
        sign_in: SignIn,
        dials: Dials,
        outage: RainbowOutage,
        record: Record,
        now: Callable[[], datetime],
    ) -> None:
        self._outage = outage
        self._people = people
        self._questions = questions
        self._bursts = bursts
        self._link_faults = link_faults
        self._connections = connections
        self._sign_in = sign_in
        self._dials = dials
        self._record = record
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """All of the lab's own calls."""
        return [
            web.get("/lab/requests", self._requests),
            web.delete("/lab/requests", self._clear),
            web.get("/lab/notified", self._notified),
            web.get("/lab/users", self._users),
            web.post("/lab/users", self._add),
            web.patch("/lab/users/{user}", self._change),
            web.delete("/lab/users/{user}", self._remove),
            web.get("/lab/known", self._known),
            web.get("/lab/link", self._link),
            web.post("/lab/ask", self._ask),
            web.post("/lab/burst", self._burst),
            web.post("/lab/tokens", self._token),
            web.get("/lab/outage", self._away),
            web.get("/lab/dials", self._show_dials),
            web.post("/lab/dials", self._turn),
            web.delete("/lab/dials", self._rest),
        ]

    async def _requests(self, request: web.Request) -> web.Response:
        only = request.query.get("only", "")
        if only and only not in self._record.lists():
            raise _bad(f"only takes {', '.join(self._record.lists())}")
        since = _moment(request.query.get("since", ""))
        return web.json_response(self._record.as_json(only, since=since, user=request.query.get("user", "")))

    async def _clear(self, _: web.Request) -> web.Response:
        self._record.clear()
        return web.json_response({})

    async def _notified(self, request: web.Request) -> web.Response:
        asked = request.query.get("since", "0")
        newest = self._record.newest_notified
        if asked != "now" and not (asked.isascii() and asked.isdigit()):
            raise _bad("since takes a number, or now")
        since = newest if asked == "now" else int(asked)
        return web.json_response({"newest": newest, "notified": self._record.notified(since=since)})

    async def _users(self, _: web.Request) -> web.Response:
        return web.json_response([user.as_json() for user in self._company()])

    async def _known(self, _: web.Request) -> web.Response:
        """Give what the connector has answered last about each user, the oracle of tests."""
        known = ((user, self._questions.known.get(user.id, Known())) for user in self._company())
        return web.json_response({user.id: each.as_json() for user, each in known})

    async def _link(self, _: web.Request) -> web.Response:
        """Tell over what the connector is asked at present: xmpp, s2s, or "" where it is not there."""
        return web.json_response({"link": self._questions.link()})

    def _company(self) -> list[LabUser]:
        apart = {user.id for user in [self._people.account, *self._people.connectors()]}
        return [user for user in self._people.everybody() if user.id not in apart]

    async def _add(self, request: web.Request) -> web.Response:
        user = _user({"companyId": self._people.account.company_id} | await _object(request))
        if self._people.by_id(user.id) is not None:
            raise _bad(f"the id {user.id} is taken")
        self._put(user)
        self._connections.changed(user.id, "created")
        return web.json_response(user.as_json(), status=201)

    async def _change(self, request: web.Request) -> web.Response:
        user, changes = self._named(request), await _object(request)
        read = _user({**user.as_json(), "displayName": None, **changes, "id": user.id})
        changed = renamed(user, changes, read)
        self._put(changed)
        self._connections.changed(user.id, "updated")
        return web.json_response(changed.as_json())

    async def _remove(self, request: web.Request) -> web.Response:
        user = self._named(request)
        self._people.remove(user.id)
        self._questions.forget(user.id)
        self._connections.changed(user.id, "deleted")
        return web.json_response({})

    def _put(self, user: LabUser) -> None:
        try:
            self._people.add(user)
        except ValueError as error:
            raise _bad(str(error)) from error

    def _named(self, request: web.Request) -> LabUser:
        user = self._people.find(request.match_info["user"])
        if user is None or user.id == self._people.account.id:
            raise web.HTTPNotFound(text=json.dumps({"error": "no such user"}), content_type="application/json")
        return user

    async def _ask(self, request: web.Request) -> web.Response:
        body = await _object(request)
        texts = {key: body.pop(key, "") for key in ("kind", "email", "from", "type", "start", "end")}
        dates = body.pop("dates", None)
        if body or not all(isinstance(value, str) for value in texts.values()) or not isinstance(dates, bool | None):
            raise _bad("takes kind, email, from, type, start, end (texts) and dates (true or false)")
        kind = texts["kind"] or "events"
        if kind not in _QUESTIONS or texts["type"] not in ("", "get", "set"):
            raise _bad(f"kind takes {', '.join(_QUESTIONS)}; type takes get, set")
        window = (texts["start"], texts["end"]) if texts["start"] and texts["end"] else None
        entry = await self._questions.ask(
            kind, texts["email"], sender=texts["from"], iq_type=texts["type"], dates=dates, window=window
        )
        return web.json_response({key: value for key, value in entry.items() if key != "read"})

    async def _burst(self, request: web.Request) -> web.Response:
        body = await _object(request)
        named = body.pop("users", None)
        users = self._company() if named is None else [self._people.find(str(each)) for each in named]
        found = [each for each in users if each is not None]
        try:
            wanted = Wanted(**({"count": len(found)} | body))
            wanted.check()
        except (TypeError, ValueError) as error:
            raise _bad(str(error)) from error
        if len(found) < len(users) or not found:
            raise _bad("users takes a list of ids or logins of the company, one at least")
        try:
            return web.json_response(await self._bursts.ask(wanted, found))
        except NoLink as error:
            raise web.HTTPConflict(
                text=json.dumps({"error": "no connector is there"}), content_type="application/json"
            ) from error

    async def _token(self, request: web.Request) -> web.Response:
        login = (await _object(request)).get("login", self._people.account.login_email)
        user = self._people.by_login(login) if isinstance(login, str) else None
        if user is None:
            raise _bad("login takes that of a user")
        return web.json_response({"token": self._sign_in.token(user, self._now()), "user_id": user.id})

    async def _away(self, _: web.Request) -> web.Response:
        return web.json_response(self._outage.as_json())

    async def _show_dials(self, _: web.Request) -> web.Response:
        return web.json_response(self._dials.as_json())

    async def _turn(self, request: web.Request) -> web.Response:
        body = await _object(request)
        actions = {key: body.pop(key) for key in _ACTIONS if key in body}
        away = actions.get("away", {})
        if not isinstance(away, dict):
            raise _bad(f"away takes an object of {', '.join(PARTS)}, each one of {', '.join(map(repr, HOWS))}")
        try:
            self._link_faults.check(actions)
            self._dials.set(body)
            self._outage.set(away)
            await self._link_faults.act(actions)
        except BadDial as error:
            raise _bad(f"{error}; actions are {', '.join(_ACTIONS)}") from error
        if actions.get("lose_connections"):
            self._connections.lose()
        if actions.get("end_connections"):
            self._connections.terminate()
        if actions.get("expire_tokens"):
            self._sign_in.expire_tokens()
        if isinstance(login := actions.get("lock"), str):
            self._sign_in.lock(login, self._now())
        if isinstance(login := actions.get("unlock"), str):
            self._sign_in.unlock(login)
        return web.json_response(self._dials.as_json())

    async def _rest(self, _: web.Request) -> web.Response:
        self._dials.set(Dials().as_json())
        self._outage.set(dict.fromkeys(PARTS, ""))
        await self._link_faults.withdraw()
        return web.json_response(self._dials.as_json())


def _bad(problem: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"error": problem}), content_type="application/json")


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _bad("since takes an instant as ISO 8601 writes it") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _user(entry: dict[str, Any]) -> LabUser:
    try:
        return user_from_json(entry)
    except UserError as error:
        raise _bad("; ".join(error.problems)) from error


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise _bad("the body is not JSON") from error
    if not isinstance(body, dict):
        raise _bad("the body must be an object")
    return body
