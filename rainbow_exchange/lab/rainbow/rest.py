"""The lab's Rainbow over REST: what the connector and a client call (`docs/reference/lab.md`)."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

from aiohttp import web

from rainbow_exchange.lab.rainbow.administration import Administration
from rainbow_exchange.lab.rainbow.company_users import CompanyUsers
from rainbow_exchange.lab.rainbow.connection_calls import ConnectionCalls
from rainbow_exchange.lab.rainbow.connections import Connections
from rainbow_exchange.lab.rainbow.connector_calls import ConnectorCalls
from rainbow_exchange.lab.rainbow.connectors import Connectors
from rainbow_exchange.lab.rainbow.dials import Dials
from rainbow_exchange.lab.rainbow.events import ConnectorEvents
from rainbow_exchange.lab.rainbow.limits import Limits, http_date
from rainbow_exchange.lab.rainbow.management import Management
from rainbow_exchange.lab.rainbow.people import People
from rainbow_exchange.lab.rainbow.presence import Known, automatic_reply, iso
from rainbow_exchange.lab.rainbow.questions import Questions
from rainbow_exchange.lab.rainbow.record import Record
from rainbow_exchange.lab.rainbow.sign_in import Refusal, SignIn, basic_pair, unauthorized
from rainbow_exchange.lab.user import LabUser

_PORTALS = ("authentication", "enduser", "admin", "calendar", "calendarprovider", "massprovisioning")
_MAX_BODY = 8 * 2**20

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Rest:
    """The REST half; `routes` and `middleware` go into an aiohttp application."""

    def __init__(
        self,
        *,
        people: People,
        sign_in: SignIn,
        questions: Questions,
        management: Management,
        connections: Connections,
        dials: Dials,
        record: Record,
        cut: Callable[[str], object],
        now: Callable[[], datetime],
        random: Random,
    ) -> None:
        self._people = people
        self._sign_in = sign_in
        self._questions = questions
        self._dials = dials
        self._limits = Limits(dials)
        self._record = record
        self._now = now
        self._random = random
        self._connectors = ConnectorCalls(
            events=ConnectorEvents(record=record, now=now, random=random),
            management=management,
            people=people,
            connector=people.is_connector,
            signed_in=lambda request: self._signed_in(request)[0],
            administrator=self._administrator,
            body=_json,
        )
        self._connector_users = Connectors(
            people=people,
            sign_in=sign_in,
            signed_in=self._signed_in,
            cut=cut,
            dials=dials,
            now=now,
            random=random,
        )
        self._users = CompanyUsers(
            people=people,
            signed_in=lambda request: self._signed_in(request)[0],
            administrator=self._administrator,
            body=_json,
            left=questions.forget,
            dials=dials,
            record=record,
        )
        self._connections = ConnectionCalls(
            connections,
            signed_in=lambda request: self._signed_in(request)[0],
            body=_json,
            echoes=lambda: dials.echo_answers,
        )
        self.administration = Administration(
            people=people,
            management=management,
            signed_in=lambda request: self._signed_in(request)[0],
            administrator=self._administrator,
            body=_json,
            dials=dials,
            random=random,
        )

    def routes(self) -> list[web.RouteDef]:
        """All calls."""
        rainbow = "/api/rainbow"
        about = [web.get(f"{rainbow}/{portal}/v1.0/about", self._about) for portal in _PORTALS]
        return [
            web.get(f"{rainbow}/ping", self._ping),
            *about,
            *self._connector_users.routes(),
            web.get(f"{rainbow}/authentication/v1.0/urls", self._urls),
            web.get(f"{rainbow}/authentication/v1.0/login", self._login),
            web.get(f"{rainbow}/authentication/v1.0/renew", self._renew),
            web.get(f"{rainbow}/authentication/v1.0/validator", self._validator),
            web.get(f"{rainbow}/authentication/v1.0/logout", self._logout),
            web.get(f"{rainbow}/enduser/v1.0/settings/apis", self._settings_apis),
            *self.administration.routes(),
            *self._users.routes(),
            web.post(f"{rainbow}/calendarprovider/v1.0/notify", self._notify),
            *self._connectors.routes(),
            *self._connections.routes(),
            web.get(f"{rainbow}/calendar/v1.0", self._own_state),
            web.get(f"{rainbow}/calendar/v1.0/", self._own_state),
            web.post(f"{rainbow}/calendar/v1.0/states", self._states),
            web.get(f"{rainbow}/calendar/v1.0/automatic_reply", self._automatic_reply),
        ]

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Record the call, give it an id, and put refusals into Rainbow's shape."""
        if not request.path.startswith("/api/"):
            return await handler(request)
        clock = self._now() + timedelta(seconds=self._dials.clock_skew_seconds)
        try:
            self._limits.check(request)
            answer = await handler(request)
        except Refusal as refusal:
            answer = self._limits.answer(refusal, clock)
        except web.HTTPException as error:
            body = Refusal(status=error.status, code=error.status * 1000, message=error.reason).body()
            answer = web.json_response(body, status=error.status)
        request_id = f"{self._random.getrandbits(96):024x}"
        answer.headers["x-rainbow-request-id"] = request_id
        answer.headers["Date"] = http_date(clock)
        self._record.requests.append(
            {
                "at": iso(self._now()),
                "method": request.method,
                "path": request.path,
                "query": dict(request.query),
                "status": answer.status,
                "bearer": request.headers.get("Authorization", "").lower().startswith("bearer "),
                "correlation_id": request.headers.get("x-rainbow-correlation-id"),
                "request_id": request_id,
            }
        )
        self._record.counts[f"{request.method} {request.path} {answer.status}"] += 1
        return answer

    def _signed_in(self, request: web.Request) -> tuple[LabUser, dict[str, Any]]:
        payload = self._sign_in.check_token(request.headers.get("Authorization", ""), self._now())
        user = self._people.by_id(payload["user"]["id"])
        if user is None:
            raise unauthorized("The user of this token does not exist any more")
        return self._as_dialled(user), payload

    def _as_dialled(self, user: LabUser) -> LabUser:
        """Give the administrator's account the roles that the dial says."""
        if user.id != self._people.account.id or not self._dials.administrator_roles:
            return user
        return replace(user, roles=tuple(self._dials.administrator_roles))

    def _administrator(self, request: web.Request) -> LabUser:
        user, _ = self._signed_in(request)
        self._demand_admin(user)
        return user

    async def _ping(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "OK"})

    async def _about(self, request: web.Request) -> web.Response:
        portal = request.path.split("/")[3]
        return web.json_response({"version": "1.0.0-lab", "description": f"Rainbow {portal} portal (lab)"})

    async def _urls(self, _: web.Request) -> web.Response:
        return web.json_response({"data": self._dials.login_urls})

    async def _login(self, request: web.Request) -> web.Response:
        basic = request.headers.get("Authorization", "")
        login, _ = basic_pair(basic) or ("", "")
        app_auth = request.headers.get("x-rainbow-app-auth", "")
        user = self._sign_in.check_login(self._people.by_login(login), basic, app_auth, self._now())
        application = {"id": (basic_pair(app_auth) or ("", ""))[0], "name": "Rainbow lab", "type": "web"}
        return web.json_response(
            {
                "token": self._sign_in.token(user, self._now()),
                "loggedInUser": self._as_dialled(user).as_json(private=True),
                "loggedInApplication": {**application, "env": "deployed", "state": "active", "platform": "official"},
            }
        )

    async def _renew(self, request: web.Request) -> web.Response:
        user, payload = self._signed_in(request)
        return web.json_response({"token": self._sign_in.renew(payload, user, self._now())})

    async def _validator(self, request: web.Request) -> web.Response:
        self._signed_in(request)
        return web.json_response({"status": "OK"})

    async def _logout(self, request: web.Request) -> web.Response:
        user, payload = self._signed_in(request)
        self._sign_in.revoke(payload, self._now())
        return web.json_response({"status": f"User {user.login_email} successfully logged out", "data": []})

    async def _settings_apis(self, request: web.Request) -> web.Response:
        self._signed_in(request)
        return web.json_response({"data": {"additionalHeaders": self._dials.additional_headers}})

    @staticmethod
    def _demand_admin(user: LabUser) -> None:
        if "admin" not in user.roles:
            raise Refusal(status=403, code=403000, message="Access denied", details="An administrator's role is needed")

    async def _notify(self, request: web.Request) -> web.Response:
        self._demand_connector(request)
        company_id = request.query.get("companyId")
        if not company_id:
            raise _field("companyId", "Missing parameter")
        if company_id != self._people.account.company_id:
            raise Refusal(status=404, code=404000, message="Resource not found", details="Company does not exist")
        body = await _json(request)
        ids = body.get("value")
        if not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
            raise _field("value", "Must be a non-empty list of user ids")
        force = request.query.get("force", "false").lower() == "true"
        unknown = [each for each in ids if self._people.by_id(each) is None]
        if unknown and self._dials.known_users_only:
            raise Refusal(status=404, code=404000, message="Resource not found", details="User does not exist")
        self._record.notifies.append(
            {
                "at": iso(self._now()),
                "ids": ids,
                "force": force,
                "unknown": unknown,
                "header": request.headers.get("X-Rainbow-EWS-connector"),
            }
        )
        self._record.note_notified(ids, self._now().timestamp())
        self._questions.notified(ids, force=force)
        return web.json_response({"status": "ok"})

    def _demand_connector(self, request: web.Request) -> None:
        if not request.headers.get("X-Rainbow-EWS-connector"):
            raise Refusal(status=403, code=403000, message="Access denied", details="Not an EWS connector")
        if "Authorization" in request.headers or self._dials.strict_notify:
            user, _ = self._signed_in(request)
            if self._dials.strict_notify:
                self._demand_admin(user)

    async def _own_state(self, request: web.Request) -> web.Response:
        user, _ = self._signed_in(request)
        return web.json_response(self._questions.shown(user).as_json())

    async def _states(self, request: web.Request) -> web.Response:
        self._signed_in(request)
        keys = (await _json(request)).get("users")
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise _field("users", "Must be a list of user ids or login emails")
        found = {key: self._people.find(key) for key in keys}
        return web.json_response({key: self._questions.shown(user).as_json() for key, user in found.items() if user})

    async def _automatic_reply(self, request: web.Request) -> web.Response:
        user, _ = self._signed_in(request)
        wanted = self._people.find(request.query.get("userid", user.id))
        if wanted is None:
            raise Refusal(status=404, code=404000, message="Resource not found", details="User does not exist")
        return web.json_response(automatic_reply(self._questions.known.get(wanted.id, Known()), self._now()))


def _field(param: str, message: str) -> Refusal:
    details = [{"param": param, "msg": message}]
    return Refusal(status=400, code=400000, message="Bad request", details=details)


async def _json(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise Refusal(status=400, code=400000, message="Bad request", details="Content-Type must be application/json")
    if (request.content_length or 0) > _MAX_BODY:
        raise Refusal(status=413, code=413000, message="Request entity too large")
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise Refusal(status=400, code=400000, message="Bad request", details="The body is not JSON") from error
    if not isinstance(body, dict):
        raise Refusal(status=400, code=400000, message="Bad request", details="The body must be an object")
    return cast("dict[str, Any]", body)
