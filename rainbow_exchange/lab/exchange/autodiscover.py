"""Autodiscover of the lab's Exchange, in SOAP and in plain XML, by whatever name it is asked; ews.md §8."""

from collections.abc import Callable, Mapping
from datetime import datetime

from aiohttp import web
from lxml import etree

from rainbow_exchange.lab.exchange.dials import Dials
from rainbow_exchange.lab.exchange.front import Front
from rainbow_exchange.lab.exchange.mailbox import Directory, Mailbox
from rainbow_exchange.lab.exchange.record import Record
from rainbow_exchange.lab.exchange.wire import SOAP, local

_PATH = "/{folder:.+}/{page:(?i:autodiscover\\.(?:svc|xml))}"
_A = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
_WSA = "http://www.w3.org/2005/08/addressing"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_POX = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_POX_A = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_ASKED = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_MOST_USERS = 100


class _BadRequest(Exception):
    """The request is not one of autodiscover."""


class Autodiscover:
    """Tells whoever may sign in where the EWS of a mailbox is. `ews_url` gives the server's own address."""

    def __init__(
        self,
        *,
        directory: Directory,
        front: Front,
        record: Record,
        dials: Dials,
        ews_url: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        self._directory = directory
        self._front = front
        self._record = record
        self._dials = dials
        self._ews_url = ews_url
        self._now = now

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_post(_PATH, self._answer)
        app.router.add_get(_PATH, self._got)

    async def _got(self, http: web.Request) -> web.Response:
        """Answer a GET, which needs no sign-in: a redirect or nothing."""
        target = _chosen(self._dials.autodiscover_http_redirects, http)
        return web.Response(status=302, headers={"Location": target}) if target else web.Response(status=404)

    async def _answer(self, http: web.Request) -> web.Response:
        request = self._record.arrived(self._now().isoformat())
        soap = http.match_info["page"].lower().endswith(".svc")
        request.operation = "GetUserSettings" if soap else "Autodiscover"
        self._record.understood(request)
        response = await self._answered(http, soap=soap)
        request.status = response.status
        self._record.answered(request, self._now().isoformat())
        return response

    async def _answered(self, http: web.Request, *, soap: bool) -> web.Response:
        dials = self._dials
        body = await http.read()
        absent = (http.host.partition(":")[0]) in dials.autodiscover_absent_hosts
        if absent or ("soap" if soap else "pox") not in dials.autodiscover_forms:
            return web.Response(status=404, text="<html><body>Not found</body></html>", content_type="text/html")
        if target := _chosen(dials.autodiscover_http_redirects, http):
            return web.Response(status=302, headers={"Location": target})
        account = self._front.asked(http)
        if isinstance(account, web.Response):
            return account
        try:
            said = self._soap(http, body) if soap else self._pox(http, body)
        except _BadRequest:
            return web.Response(status=400)
        return web.Response(body=said, content_type="text/xml", charset="utf-8")

    def _soap(self, http: web.Request, body: bytes) -> bytes:
        root = _parsed(body, "Envelope")
        if next(root.iter(f"{{{_A}}}RequestedServerVersion"), None) is None:
            raise _BadRequest
        addresses = [(each.text or "").strip() for each in root.iter(f"{{{_A}}}Mailbox")]
        asked = [(each.text or "").strip() for each in root.iter(f"{{{_A}}}Setting")]
        if not 0 < len(addresses) <= _MOST_USERS:
            raise _BadRequest
        users = "".join(self._user(http, address, asked) for address in addresses)
        return (
            f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{_WSA}"><s:Header><a:Action s:mustUnderstand="1">'
            f"{_A}/Autodiscover/GetUserSettingsResponse</a:Action></s:Header><s:Body>"
            f'<GetUserSettingsResponseMessage xmlns="{_A}"><Response xmlns:i="{_XSI}"><ErrorCode>NoError</ErrorCode>'
            f"<ErrorMessage/><UserResponses>{users}</UserResponses></Response></GetUserSettingsResponseMessage>"
            "</s:Body></s:Envelope>"
        ).encode()

    def _user(self, http: web.Request, address: str, asked: list[str]) -> str:
        mailbox = self._directory.by_proxy.get(address.lower())
        other = self._dials.autodiscover_redirect_addresses.get(address.lower())
        url = _chosen(self._dials.autodiscover_redirect_urls, http)
        if other or url:
            code = "RedirectAddress" if other else "RedirectUrl"
            return _user_response(code, target=other or url)
        if mailbox is None:
            return _user_response("InvalidUser")
        known = self._settings(mailbox)
        found = "".join(
            f'<UserSetting i:type="StringSetting"><Name>{name}</Name><Value>{_text(known[name])}</Value></UserSetting>'
            for name in asked
            if name in known
        )
        errors = "".join(
            f"<UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode><ErrorMessage/>"
            f"<SettingName>{_text(name)}</SettingName></UserSettingError>"
            for name in asked
            if name not in known
        )
        return _user_response("NoError", errors=errors, settings=found)

    def _settings(self, mailbox: Mailbox) -> dict[str, str]:
        dials, address = self._dials, mailbox.address.lower()
        url = dials.ews_urls.get(address) or dials.ews_urls.get("") or self._ews_url()
        settings = {"InternalEwsUrl": url, "ExternalEwsUrl": url}
        if grouping := dials.groupings.get(address):
            settings["GroupingInformation"] = grouping
        return settings

    def _pox(self, http: web.Request, body: bytes) -> bytes:
        root = _parsed(body, "Autodiscover")
        address = (root.findtext(f"{{{_ASKED}}}Request/{{{_ASKED}}}EMailAddress") or "").strip()
        if not address:
            raise _BadRequest
        mailbox = self._directory.by_proxy.get(address.lower())
        other = self._dials.autodiscover_redirect_addresses.get(address.lower())
        url = _chosen(self._dials.autodiscover_redirect_urls, http)
        if other:
            said = _account(f"<Action>redirectAddr</Action><RedirectAddr>{_text(other)}</RedirectAddr>")
        elif url:
            said = _account(f"<Action>redirectUrl</Action><RedirectUrl>{_text(url)}</RedirectUrl>")
        elif mailbox is None:
            said = (
                '<Response><Error Time="08:00:00.0000000" Id="1"><ErrorCode>500</ErrorCode>'
                "<Message>The email address can't be found.</Message><DebugData/></Error></Response>"
            )
        else:
            known = self._settings(mailbox)
            grouping = known.get("GroupingInformation")
            said = _account(
                "<Action>settings</Action>"
                + _protocol("EXCH", known["InternalEwsUrl"], None)
                + _protocol("EXPR", known["ExternalEwsUrl"], grouping)
            )
        return f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{_POX}">{said}</Autodiscover>'.encode()


def _chosen(targets: Mapping[str, str], http: web.Request) -> str | None:
    """Give the target for this request: by host and path, by host, or by path."""
    host = http.host.partition(":")[0]
    return next((targets[key] for key in (host + http.path, host, http.path) if key in targets), None)


def _parsed(data: bytes, name: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _BadRequest from error
    if local(root) != name:
        raise _BadRequest
    return root


def _user_response(code: str, *, target: str | None = None, errors: str = "", settings: str = "") -> str:
    redirect = f"<RedirectTarget>{_text(target)}</RedirectTarget>" if target else '<RedirectTarget i:nil="true"/>'
    return (
        f"<UserResponse><ErrorCode>{code}</ErrorCode><ErrorMessage/>{redirect}"
        f"<UserSettingErrors>{errors}</UserSettingErrors><UserSettings>{settings}</UserSettings></UserResponse>"
    )


def _account(inside: str) -> str:
    return (
        f'<Response xmlns="{_POX_A}"><User><DisplayName/></User><Account><AccountType>email</AccountType>'
        f"{inside}</Account></Response>"
    )


def _protocol(kind: str, url: str, grouping: str | None) -> str:
    group = f"<GroupingInformation>{_text(grouping)}</GroupingInformation>" if grouping else ""
    return f"<Protocol><Type>{kind}</Type><ASUrl>{_text(url)}</ASUrl><EwsUrl>{_text(url)}</EwsUrl>{group}</Protocol>"


def _text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
