"""`admin/v1.0/connectors/ldaps` of the lab's Rainbow: connector users listed, activated, deleted; and who manages what.

What becomes of a second activation, and which rights the generated user has, nobody publishes: each is a dial.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from aiohttp import web

from rainbow_exchange.lab.rainbow.dials import Dials
from rainbow_exchange.lab.rainbow.people import People
from rainbow_exchange.lab.rainbow.sign_in import Refusal, SignIn
from rainbow_exchange.lab.user import LabUser, jid_of, made_id

_LDAPS = "/api/rainbow/admin/v1.0/connectors/ldaps"
_MANAGE_SEVERAL = frozenset({"bp_admin", "bp_finance", "support", "superadmin"})
#: whose answer says no for which reason; the codes behind 403 are not published
_REFUSED = {
    "licence": "No active subscription, or no licence left, for the connector",
    "sso": "The company's default authentication is not SSO",
}

SignedIn = Callable[[web.Request], tuple[LabUser, dict[str, Any]]]


class Connectors:
    """The company's connector users: those activated here, and one of an AD/LDAP connector where the dial says so."""

    def __init__(
        self,
        *,
        people: People,
        sign_in: SignIn,
        signed_in: SignedIn,
        cut: Callable[[str], object],
        dials: Dials,
        now: Callable[[], datetime],
        random: Random,
    ) -> None:
        self._people = people
        self._sign_in = sign_in
        self._signed_in = signed_in
        self._cut = cut
        self._dials = dials
        self._now = now
        self._random = random
        self._foreign: LabUser | None = None
        self._foreign_gone = False
        self._asked = 0
        self._not_before: datetime | None = None

    def routes(self) -> list[web.RouteDef]:
        """All calls."""
        return [
            web.get(_LDAPS, self._list),
            web.post(f"{_LDAPS}/activate", self._activate),
            web.delete(f"{_LDAPS}/{{id}}", self._delete),
            web.get("/api/rainbow/admin/v1.0/companies", self._companies),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        self._demand_administrator(request)
        limit, offset = _number(request, "limit", 100), _number(request, "offset", 0)
        everybody = self._all()
        form = request.query.get("format", "small")
        data = [each.as_json(form) for each in everybody[offset : offset + limit]]
        return web.json_response({"data": data, "total": len(everybody), "limit": limit, "offset": offset})

    async def _activate(self, request: web.Request) -> web.Response:
        self._demand_administrator(request)
        self._delay()
        if self._dials.refuse_activation:
            details = _REFUSED[self._dials.refuse_activation]
            raise Refusal(status=403, code=403000, message="Access denied", details=details)
        before = self._all()
        if before and self._dials.second_activation == "refuse":
            raise Refusal(status=409, code=409000, message="Conflict", details="The company has a connector already")
        user = before[0] if before and self._dials.second_activation == "renew" else self._new()
        password = f"Gen-{self._random.getrandbits(96):024x}"
        if user is self._foreign:
            self._people.add(user)
        self._people.add_connector(user)
        self._sign_in.set_password(user.login_email, password)
        if self._dials.lose_activation and request.transport is not None:
            request.transport.abort()
        answer = {
            "id": user.id,
            "companyId": user.company_id,
            "loginEmail": user.login_email,
            "password": password,
        }
        return web.json_response({"data": answer} if self._dials.activation_in_data else answer)

    def _delay(self) -> None:
        """Refuse activations beyond those that are free, for a time that doubles with each that is asked too early."""
        self._asked += 1
        beyond = self._asked - self._dials.free_activations
        if beyond <= 0 or (self._not_before is not None and self._now() >= self._not_before):
            return
        wait = self._dials.activation_delay_seconds * 2 ** (beyond - 1)
        self._not_before = self._now() + timedelta(seconds=wait)
        raise Refusal(status=429, code=429000, message="Too Many Requests", retry_after=wait)

    def _new(self) -> LabUser:
        account = self._people.account
        user_id = made_id("ldap", f"{self._random.getrandbits(64):016x}")
        jid, jid_password = jid_of(user_id, account.jid.partition("@")[2])
        return LabUser(
            id=user_id,
            login_email=f"ldap_{user_id[2:14]}@{account.login_email.partition('@')[2]}",
            first_name="ldap",
            last_name="connector",
            display_name="ldap connector",
            roles=tuple(self._dials.connector_roles),
            company_id=account.company_id,
            company_name=account.company_name,
            jid=jid,
            jid_password=jid_password,
            extra={"creationDate": f"{self._now():%Y-%m-%dT%H:%M:%S}.000Z"} if self._dials.creation_dates else {},
        )

    async def _delete(self, request: web.Request) -> web.Response:
        user, _ = self._signed_in(request)
        wanted = next((each for each in self._all() if each.id == request.match_info["id"]), None)
        if wanted is None or wanted.id != user.id or not self._dials.connector_deletes_itself:
            self._demand_administrator(request)
        if wanted is None:
            raise Refusal(status=404, code=404000, message="Resource not found", details="Connector does not exist")
        self._foreign_gone = self._foreign_gone or wanted is self._foreign
        self._people.remove(wanted.id)
        self._cut(wanted.jid)
        return web.json_response({"data": {"status": f"Connector {wanted.id} successfully deleted"}})

    async def _companies(self, request: web.Request) -> web.Response:
        user = self._demand_administrator(request)
        account = self._people.account
        companies = [{"id": account.company_id, "name": account.company_name}]
        if _MANAGE_SEVERAL & set(user.roles):
            companies += self._dials.managed_companies
        return web.json_response({"data": companies, "total": len(companies), "limit": 100, "offset": 0})

    def _all(self) -> list[LabUser]:
        if self._foreign is None and self._dials.existing_connector:
            self._foreign = replace(self._new(), display_name="AD/LDAP connector")
        there = self._foreign if self._dials.existing_connector and not self._foreign_gone else None
        activated = self._people.connectors()
        return activated if there is None or there in activated else [there, *activated]

    def _demand_administrator(self, request: web.Request) -> LabUser:
        user, _ = self._signed_in(request)
        managed = {user.company_id} | (
            {each["id"] for each in self._dials.managed_companies} if _MANAGE_SEVERAL & set(user.roles) else set()
        )
        if user.id in {each.id for each in self._people.connectors()} or "admin" not in user.roles:
            raise Refusal(status=403, code=403000, message="Access denied", details="An administrator's role is needed")
        if request.query.get("companyId", user.company_id) not in managed:
            raise Refusal(status=403, code=403000, message="Access denied", details="Not of this company")
        return user


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        details = [{"param": name, "msg": "Must be an integer", "value": text}]
        raise Refusal(status=400, code=400000, message="Bad request", details=details)
    return int(text)
