"""`admin/v1.0/users` of the lab's Rainbow: listed in pages, which may move, and changed by an administrator."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from rainbow_exchange.errors import UserError
from rainbow_exchange.lab.rainbow.dials import Dials
from rainbow_exchange.lab.rainbow.listing import filters_from, page_of
from rainbow_exchange.lab.rainbow.people import People, renamed
from rainbow_exchange.lab.rainbow.record import Record
from rainbow_exchange.lab.rainbow.sign_in import Refusal
from rainbow_exchange.lab.user import LabUser
from rainbow_exchange.lab.users_file import user_from_json

_ADMIN = "/api/rainbow/admin/v1.0/users"
_DOMAIN = "acme.test"


class CompanyUsers:
    """The users of the company as administrators see and change them; `left` is told of whoever is deleted."""

    def __init__(
        self,
        *,
        people: People,
        signed_in: Callable[[web.Request], LabUser],
        administrator: Callable[[web.Request], LabUser],
        body: Callable[[web.Request], Awaitable[dict[str, Any]]],
        left: Callable[[str], None],
        dials: Dials,
        record: Record,
    ) -> None:
        self._people = people
        self._signed_in = signed_in
        self._administrator = administrator
        self._body = body
        self._left = left
        self._dials = dials
        self._record = record
        self._moves = 0

    def routes(self) -> list[web.RouteDef]:
        """All calls."""
        return [
            web.get(_ADMIN, self._list),
            web.post(_ADMIN, self._add),
            web.get(f"{_ADMIN}/{{id}}", self._user),
            web.put(f"{_ADMIN}/{{id}}", self._change),
            web.delete(f"{_ADMIN}/{{id}}", self._delete),
            web.get("/api/rainbow/enduser/v1.0/users/{id}", self._user),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        user = self._administrator(request)
        if request.query.get("companyId", user.company_id) != user.company_id:
            raise Refusal(
                status=403, code=403000, message="Access denied", details="Not an administrator of this company"
            )
        filters, form, limit, offset = filters_from(request.query, dials=self._dials)
        selected = self._people.select(filters)
        page, total = page_of(selected, min(limit, self._dials.page_limit), offset, self._dials.paging)
        if filters.whole:
            if offset + len(page) >= total:
                self._record.counts["full_listings"] += 1
            elif selected:
                self._move(selected[0])
        said = min(limit, self._dials.page_limit) if self._dials.page_limit_said else limit
        data = [each.as_json(form) for each in page]
        return web.json_response({"data": data, "total": total, "limit": said, "offset": offset})

    def _move(self, first: LabUser) -> None:
        """Between two pages, have somebody come or go, as the dials say."""
        if self._dials.paging not in {"adds", "removes", "swaps"} or not self._dials.paging_moves:
            return
        self._dials.paging_moves -= 1
        self._moves += 1
        if self._dials.paging != "adds" and first.id != self._people.account.id:
            self._people.remove(first.id)
            self._left(first.id)
        if self._dials.paging != "removes":
            # in the sort order ahead of everybody who was read, or behind all
            where = "0" if self._dials.paging == "adds" else "zz"
            newcomer = {"loginEmail": f"{where}-newcomer-{self._moves}@{_DOMAIN}", "displayName": f"{where} Newcomer"}
            self._people.add(user_from_json(newcomer | {"companyId": self._people.account.company_id}))

    async def _user(self, request: web.Request) -> web.Response:
        asker = self._administrator(request) if "/admin/" in request.path else self._signed_in(request)
        wanted = self._wanted(request)
        return web.json_response({"data": wanted.as_json("full", private=wanted.id == asker.id)})

    async def _add(self, request: web.Request) -> web.Response:
        company_id = self._administrator(request).company_id
        added = _read({**await self._body(request), "id": None, "companyId": company_id})
        if self._people.by_login(added.login_email) is not None:
            raise _taken(added)
        self._put(added)
        return web.json_response({"data": added.as_json()}, status=201)

    async def _change(self, request: web.Request) -> web.Response:
        self._administrator(request)
        user, changes = self._wanted(request), await self._body(request)
        changed = renamed(user, changes, _read({**user.as_json(), "displayName": None, **changes, "id": user.id}))
        self._put(changed)
        return web.json_response({"data": changed.as_json()})

    async def _delete(self, request: web.Request) -> web.Response:
        self._administrator(request)
        user = self._wanted(request)
        self._people.remove(user.id)
        self._left(user.id)
        return web.json_response({"status": f"User {user.login_email} successfully deleted", "data": {}})

    def _wanted(self, request: web.Request) -> LabUser:
        wanted = self._people.by_id(request.match_info["id"])
        changing = request.method != "GET"
        if wanted is None or wanted.company_id != self._people.account.company_id:
            raise Refusal(status=404, code=404000, message="Resource not found", details="User does not exist")
        if changing and wanted.id == self._people.account.id:
            raise Refusal(status=403, code=403000, message="Access denied", details="Not the account itself")
        return wanted

    def _put(self, user: LabUser) -> None:
        try:
            self._people.add(user)
        except ValueError as error:
            raise _taken(user) from error


def _taken(user: LabUser) -> Refusal:
    return Refusal(status=409, code=409000, message="Conflict", details=f"The login {user.login_email} is taken")


def _read(entry: dict[str, Any]) -> LabUser:
    try:
        return user_from_json(entry)
    except UserError as error:
        details = [{"param": problem.split(" ", 1)[0], "msg": problem} for problem in error.problems]
        raise Refusal(status=400, code=400000, message="Bad request", details=details) from error
