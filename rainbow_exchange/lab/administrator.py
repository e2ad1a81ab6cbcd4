"""An administrator in Rainbow's administration, by its REST: the switch, the Exchange server's settings, the users.

The names of the switch and of the settings are the lab's own, for Rainbow publishes none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from rainbow_exchange.lab.owner_wire import Refused
from rainbow_exchange.lab.rainbow_account import RainbowAccount

_ADMIN = "/admin/v1.0"
_CONFIG = f"{_ADMIN}/connectors/ldaps/config"
_SWITCH, _ON, _OFF = "exchangeCalendarCustomisation", "enabled", "disabled"
_TYPE = "exchange_config"
#: users that are listed in one answer, and answers that are read
_PAGE = 1000
_MOST_PAGES = 100
#: a connector that is gone, or not connected
_NOT_THERE = (f"http-{HTTPStatus.NOT_FOUND:d}", f"http-{HTTPStatus.CONFLICT:d}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeEntered:
    """What is entered about the Exchange server; a password never comes back, only whether there is one."""

    url: str
    login: str
    has_password: bool


class Administrator:
    """An administrator of `company`. All calls raise Refused, aiohttp.ClientError or TimeoutError."""

    def __init__(self, account: RainbowAccount, company: str) -> None:
        self._account = account
        self._company = company

    async def switch(self) -> bool:
        """Tell whether the calendars are switched on; what nobody ever set is on."""
        record = await self._data("GET", f"{_ADMIN}/companies/{self._company}")
        return bool(record.get(_SWITCH, _ON) != _OFF)

    async def set_switch(self, *, on: bool) -> None:
        """Switch the calendars on or off, and save the dialog in which the switch stands.

        Connectors are told of a configuration that is saved, and look at once; of the record they are not told.
        """
        await self._data("PUT", f"{_ADMIN}/companies/{self._company}", {_SWITCH: _ON if on else _OFF})
        await self._save({})

    async def exchange(self) -> ExchangeEntered | None:
        """Give what is entered about the Exchange server; None where nothing is."""
        configuration = await self._configuration()
        company = configuration["settings"].get("company") if configuration else None
        if not isinstance(company, dict) or not company:
            return None
        url, login = str(company.get("url") or ""), str(company.get("login") or "")
        return ExchangeEntered(url=url, login=login, has_password=bool(company.get("password")))

    async def set_exchange(self, url: str, login: str, password: str | None) -> None:
        """Enter where Exchange is, and who signs in there; None keeps the password."""
        entered = {"url": url, "login": login}
        await self._save({"company": entered if password is None else entered | {"password": password}})

    async def forget_exchange(self) -> None:
        """Take away what is entered about the Exchange server."""
        if (configuration := await self._configuration()) is not None:
            await self._account.call("DELETE", f"{_CONFIG}/{configuration['id']}")

    async def users(self) -> list[dict[str, Any]]:
        """List the company's users as Rainbow gives them, sorted by what they are called."""
        found: list[dict[str, Any]] = []
        for _ in range(_MOST_PAGES):
            query = {"companyId": self._company, "format": "full", "limit": str(_PAGE), "offset": str(len(found))}
            answer = await self._account.call("GET", f"{_ADMIN}/users", query=query)
            page, total = answer.get("data"), answer.get("total")
            if not isinstance(page, list) or not isinstance(total, int):
                raise Refused("answer-not-understood")
            found += page
            if not page or len(found) >= total:
                break
        return list({user["id"]: user for user in found}.values())

    async def add_user(self, first: str, last: str, login: str) -> str:
        """Add somebody, whose login is the address, too; return the id."""
        names = {"firstName": first, "lastName": last}
        user = {"loginEmail": login, **names, "emails": [{"email": login, "type": "work"}]}
        return str((await self._data("POST", f"{_ADMIN}/users", user))["id"])

    async def remove_user(self, user: str) -> None:
        """Remove somebody from the company."""
        await self._account.call("DELETE", f"{_ADMIN}/users/{user}")

    async def synchronise(self) -> bool:
        """Have the connector list the users and read everybody anew; False where no connector is connected."""
        listed = await self._account.call("GET", f"{_ADMIN}/connectors/ldaps", query={"companyId": self._company})
        connectors = [str(each["id"]) for each in listed.get("data", ())]
        return await self._first_there([*connectors, self._account.id])

    async def _first_there(self, connectors: Sequence[str]) -> bool:
        for each in connectors:
            try:
                await self._data("POST", f"{_ADMIN}/connectors/ldaps/{each}/command", {"command": "manual_synchro"})
            except Refused as error:
                if error.code not in _NOT_THERE:
                    raise
            else:
                return True
        return False

    async def _save(self, settings: dict[str, Any]) -> None:
        """Save the configuration with these settings in it; others stay."""
        if (configuration := await self._configuration()) is not None:
            await self._data("PUT", f"{_CONFIG}/{configuration['id']}", {"settings": settings})
        else:
            await self._data("POST", _CONFIG, {"companyId": self._company, "type": _TYPE, "settings": settings})

    async def _configuration(self) -> dict[str, Any] | None:
        query = {"companyId": self._company, "type": _TYPE}
        try:
            answer = await self._account.call("GET", _CONFIG, query=query)
        except Refused as error:
            if error.code != f"http-{HTTPStatus.NOT_FOUND:d}":
                raise
            return None
        match answer:
            case {"data": {"id": str(), "settings": dict()} as found}:
                return dict(found)
            case _:
                raise Refused("answer-not-understood")

    async def _data(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        match await self._account.call(method, path, body=body):
            case {"data": dict(data)}:
                return data
            case _:
                raise Refused("answer-not-understood")
