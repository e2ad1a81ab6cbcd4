"""Rainbow's administration in the lab: the company's record with the switch, and the connectors' configurations.

The calls are Rainbow's. The field of the switch, `exchangeCalendarCustomisation`, and the type `exchange_config` are
ours: nobody publishes what Rainbow calls them (`docs/reference/lab.md`, "Administration").
"""

from collections.abc import Awaitable, Callable, Iterator
from random import Random
from typing import Any

from aiohttp import web

from rainbow_exchange.lab.rainbow.dials import Dials
from rainbow_exchange.lab.rainbow.management import Management
from rainbow_exchange.lab.rainbow.people import People
from rainbow_exchange.lab.rainbow.sign_in import Refusal
from rainbow_exchange.lab.user import LabUser

_ADMIN = "/api/rainbow/admin/v1.0"
_ENDUSER = "/api/rainbow/enduser/v1.0"
_CONFIG = f"{_ADMIN}/connectors/ldaps/config"

_TYPES = ("ldap_config", "ldap_config_directories", "exchange_config")
#: of the record, what everybody of the company may see
_OPEN = ("id", "name", "status", "exchangeCalendarCustomisation")
_MAX_KEYS, _MAX_KEY, _MAX_TEXT = 10, 64, 512
_MAX_CONFIGURATIONS = 100


class Administration:
    """What a company's administrator sets; `company` is the record as it stands, `configurations` by id."""

    def __init__(
        self,
        *,
        people: People,
        management: Management,
        signed_in: Callable[[web.Request], LabUser],
        administrator: Callable[[web.Request], LabUser],
        body: Callable[[web.Request], Awaitable[dict[str, Any]]],
        dials: Dials,
        random: Random,
    ) -> None:
        self._people = people
        self._management = management
        self._signed_in = signed_in
        self._administrator = administrator
        self._body = body
        self._dials = dials
        self._random = random
        account = people.account
        self.company: dict[str, Any] = {"id": account.company_id, "name": account.company_name, "status": "active"}
        self.configurations: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[web.RouteDef]:
        """All calls."""
        return [
            web.get(f"{_ENDUSER}/companies/{{id}}", self._seen),
            web.get(f"{_ADMIN}/companies/{{id}}", self._read),
            web.put(f"{_ADMIN}/companies/{{id}}", self._change),
            web.post(_CONFIG, self._create),
            web.get(_CONFIG, self._oldest),
            web.get(f"{_CONFIG}s", self._list),
            web.get(f"{_CONFIG}/{{config}}", self._configuration),
            web.put(f"{_CONFIG}/{{config}}", self._update),
            web.delete(f"{_CONFIG}/{{config}}", self._delete),
        ]

    async def _seen(self, request: web.Request) -> web.Response:
        user = self._signed_in(request)
        self._demand_company(request.match_info["id"])
        whole = self._people.is_connector(user) or "admin" in user.roles
        record = self.company if whole else {key: self.company[key] for key in _OPEN if key in self.company}
        return web.json_response({"data": record})

    async def _read(self, request: web.Request) -> web.Response:
        self._reader(request)
        self._demand_company(request.match_info["id"])
        return web.json_response({"data": self.company})

    async def _change(self, request: web.Request) -> web.Response:
        self._human(request)
        self._demand_company(request.match_info["id"])
        changes = await self._body(request)
        if changes.get("id", self.company["id"]) != self.company["id"]:
            raise _bad("id", "Cannot be changed")
        if changes.get("customData") is not None:
            _check_custom_data(changes["customData"])
        self.company.update(changes)
        for key in [key for key, value in changes.items() if value is None]:
            del self.company[key]
        return web.json_response({"data": self.company})

    async def _create(self, request: web.Request) -> web.Response:
        self._human(request)
        body = await self._body(request)
        self._demand_company(body.get("companyId"))
        if body.get("type") not in _TYPES:
            raise _bad("type", f"Must be one of {', '.join(_TYPES)}")
        if not isinstance(body.get("settings"), dict):
            raise _bad("settings", "Must be an object")
        if len(self.configurations) >= _MAX_CONFIGURATIONS:
            raise Refusal(status=409, code=409000, message="Conflict", details="Too many configurations")
        made = {key: body[key] for key in ("type", "companyId", "name", "settings") if key in body}
        configuration = {"id": f"{self._random.getrandbits(96):024x}"} | made
        self.configurations[configuration["id"]] = configuration
        await self._announce(configuration["id"], "create")
        return web.json_response({"data": configuration}, status=201)

    async def _oldest(self, request: web.Request) -> web.Response:
        self._reader(request)
        found = next(self._of(request), None)
        if found is None:
            raise _absent()
        return web.json_response({"data": found})

    async def _list(self, request: web.Request) -> web.Response:
        self._reader(request)
        found = list(self._of(request))
        return web.json_response({"data": found, "total": len(found)})

    async def _configuration(self, request: web.Request) -> web.Response:
        self._reader(request)
        return web.json_response({"data": self._named(request)})

    async def _update(self, request: web.Request) -> web.Response:
        self._human(request)
        configuration, body = self._named(request), await self._body(request)
        settings, strict = body.get("settings"), body.get("strict", False)
        if not isinstance(settings, dict) or not isinstance(strict, bool):
            raise _bad("settings", "Must be an object, and strict true or false")
        configuration["settings"] = settings if strict else _merged(configuration["settings"], settings)
        if "name" in body:
            configuration["name"] = body["name"]
        await self._announce(configuration["id"], "update")
        return web.json_response({"data": configuration})

    async def _delete(self, request: web.Request) -> web.Response:
        self._human(request)
        configuration = self._named(request)
        del self.configurations[configuration["id"]]
        await self._announce(configuration["id"], "delete")
        return web.json_response({"data": {"status": f"Configuration {configuration['id']} successfully deleted"}})

    async def _announce(self, config_id: str, action: str) -> None:
        """Tell each connector that its configuration changed; one without a link reads it when it is back."""
        for connector in (self._people.account, *self._people.connectors()):
            await self._management.configuration_changed(connector, config_id, action)

    def _reader(self, request: web.Request) -> None:
        """Demand an administrator, or a connector where the dial lets it."""
        if not self._people.is_connector(self._signed_in(request)):
            self._administrator(request)
        elif not self._dials.connector_reads_company:
            raise Refusal(status=403, code=403000, message="Access denied", details="A company_admin is needed")

    def _human(self, request: web.Request) -> None:
        """Demand an administrator of the company; no connector that was activated is one."""
        if self._administrator(request) in self._people.connectors():
            raise Refusal(status=403, code=403000, message="Access denied", details="A connector may not do this")

    def _demand_company(self, company_id: object) -> None:
        if company_id != self.company["id"]:
            raise Refusal(status=404, code=404000, message="Resource not found", details="Company does not exist")

    def _of(self, request: web.Request) -> Iterator[dict[str, Any]]:
        """Give those of the company and type that are asked for, the oldest first."""
        self._demand_company(request.query.get("companyId", self.company["id"]))
        wanted = request.query.get("type")
        return (each for each in self.configurations.values() if wanted in (None, each["type"]))

    def _named(self, request: web.Request) -> dict[str, Any]:
        try:
            return self.configurations[request.match_info["config"]]
        except KeyError:
            raise _absent() from None


def _merged(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Update and add, down to the fields of `settings.company` and its like."""
    merged = dict(before)
    for key, value in changes.items():
        old = before.get(key)
        merged[key] = old | value if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _check_custom_data(given: object) -> None:
    """Rainbow's own limits: ten keys of 64 characters with texts of 512."""
    if not isinstance(given, dict) or len(given) > _MAX_KEYS:
        raise _bad("customData", f"Must be an object of at most {_MAX_KEYS} keys")
    for key, value in given.items():
        if len(key) > _MAX_KEY or (isinstance(value, str) and len(value) > _MAX_TEXT):
            raise _bad("customData", f"Keys take {_MAX_KEY} characters, values {_MAX_TEXT}")


def _bad(param: str, message: str) -> Refusal:
    return Refusal(status=400, code=400000, message="Bad request", details=[{"param": param, "msg": message}])


def _absent() -> Refusal:
    return Refusal(status=404, code=404000, message="Resource not found", details="Configuration does not exist")
