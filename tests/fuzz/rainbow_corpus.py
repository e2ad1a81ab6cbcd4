"""Valid inputs from Rainbow's side, made up by us after what is documented of its wire."""

import json
from base64 import urlsafe_b64encode
from typing import Any

FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
_OPEN = f'<open xmlns="{FRAMING}" from="rainbow.test" id="s1" version="1.0"/>'
_FEATURES = '<stream:features xmlns:stream="http://etherx.jabber.org/streams">{}</stream:features>'
_MECHANISMS = '<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>PLAIN</mechanism></mechanisms>'
_BIND = (
    '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>'
    '<session xmlns="urn:ietf:params:xml:ns:xmpp-session"><optional/></session>'
)
_SUCCESS = '<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>'
_FAILURE = '<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/><text xml:lang="en">no</text></failure>'
_BOUND = (
    '<iq xmlns="jabber:client" type="result" id="bind-1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind">'
    "<jid>0a1b@rainbow.test/node_x</jid></bind></iq>"
)
_STREAM_ERROR = (
    '<stream:error xmlns:stream="http://etherx.jabber.org/streams">'
    '<see-other-host xmlns="urn:ietf:params:xml:ns:xmpp-streams">b.rainbow.test</see-other-host>'
    '<text xmlns="urn:ietf:params:xml:ns:xmpp-streams">moved</text></stream:error>'
)
_EVENTS = (
    '<iq xmlns="jabber:client" type="{}" id="ev1" from="pcloud_enduser_1@rainbow.test/1" to="0a1b@rainbow.test/node_x">'
    '<events xmlns="urn:xmpp:calendar:0" email="bob@acme.test"><startDate timezone="Europe/Paris">2026-03-02T00:00:00'
    "</startDate><endDate>2026-03-03T00:00:00.000Z</endDate></events></iq>"
)
_AUTO_REPLY = (
    '<iq xmlns="jabber:client" type="get" id="ar1" from="calendar.rainbow.test">'
    '<autoreply xmlns="urn:xmpp:calendar:0" email="bob@acme.test"/></iq>'
)

FRAMES = tuple(
    frame.encode()
    for frame in (
        _OPEN,
        f'<close xmlns="{FRAMING}" see-other-uri="wss://b.rainbow.test/websocket"/>',
        _STREAM_ERROR,
        _FEATURES.format(_MECHANISMS),
        _EVENTS.format("get"),
        _EVENTS.format("get"),
        _EVENTS.format("set"),
        _AUTO_REPLY,
        '<iq xmlns="jabber:client" type="get" id="p1" from="rainbow.test"><ping xmlns="urn:xmpp:ping"/></iq>',
        '<iq type="get" id="d1" from="rainbow.test"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>',
        (
            '<iq xmlns="jabber:client" type="error" id="disco-1"><error type="cancel">'
            '<service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>'
        ),
        '<presence xmlns="jabber:client" from="0a1b@rainbow.test/other"><priority>5</priority></presence>',
        (
            '<message xmlns="jabber:client" type="management" id="m1" from="rainbow.test">'
            '<connectorcommand xmlns="jabber:iq:configuration" command="manual_synchro" commandId="c"/>'
            "</message>"
        ),
        (
            '<message xmlns="jabber:client" type="management" id="m2" from="rainbow.test"><x xmlns="urn:x">'
            '<connectorconfig xmlns="jabber:iq:configuration" action="update" configId="c1"/></x>'
            '<import_status xmlns="jabber:iq:configuration" reqId="r" seq="1" status="done"/></message>'
        ),
    )
)

#: frames of a sign-in, one behind the other
BORDER = b"\x1e"
SIGN_INS = tuple(
    BORDER.join(frame.encode() for frame in frames)
    for frames in (
        (_OPEN, _FEATURES.format(_MECHANISMS), _SUCCESS, _OPEN, _FEATURES.format(_BIND), _BOUND),
        (_OPEN, _FEATURES.format(_MECHANISMS), _FAILURE),
        (_OPEN, _FEATURES.format(_MECHANISMS), _SUCCESS, _OPEN, _FEATURES.format(_BIND), _EVENTS.format("get"), _BOUND),
    )
)
#: what a server says to SCRAM; `{nonce}` stands for that of the client
CHALLENGES = (b"r={nonce}3rfcNHYJY1ZVvWVs7j,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", b"r={nonce}x,s=QSXCR+Q6sek8bf92,i=4096")

_CLAIMS = {"iat": 1772442000, "exp": 1772445600, "countRenewed": 0, "maxTokenRenew": 5, "user": {"id": "5f0000a1"}}


def _token(claims: object) -> str:
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, claims))
    return ".".join([*(urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "c2ln"])


_USER = {
    "id": "5f00000000000000000000a1",
    "loginEmail": "ada@acme.test",
    "displayName": "Ada L",
    "emails": [{"email": "ada.l@acme.test", "type": "work"}, {"email": "ada@home.test", "type": "home"}],
    "authenticationExternalUid": "ada.l@acme.test",
    "roles": ["user"],
    "companyId": "5f00000000000000000000c1",
    "companyName": "Acme",
    "adminType": "company_admin",
    "jid_im": "0a1b@rainbow.test",
    "jid_password": "not-a-real-one",
    "isActive": True,
    "isTerminated": False,
    "guestMode": False,
    "language": "fr-FR",
}
_OTHER_USER = {"id": "5f00000000000000000000a2", "loginEmail": "bob@acme.test", "emails": [], "isActive": True}
_RECORD = {
    "id": "5f00000000000000000000c1",
    "name": "Acme",
    "exchangeCalendarCustomisation": "enabled",
    "exchangeUrl": "https://mail.acme.test/EWS/Exchange.asmx",
    "exchangeLogin": "svc@acme.test",
    "exchangePassword": "made-up",
    "customData": {"exchangeUrl": "https://webmail.acme.test/EWS/Exchange.asmx"},
}
_CONFIGURATION = {
    "id": "5f00000000000000000000d1",
    "type": "exchange_config",
    "settings": {
        "company": {
            "url": "https://mail.acme.test/EWS/Exchange.asmx",
            "login": "ACME\\svc",
            "password": "made-up",
            "clientId": "c1",
            "clientSecret": "made-up",
        }
    },
}


def _json(*values: Any) -> tuple[bytes, ...]:
    return tuple(json.dumps(value).encode() for value in values)


LOGINS = _json(
    {"token": _token(_CLAIMS), "loggedInUser": _USER, "loggedInApplication": {"id": "app1"}},
    {"token": _token({"exp": 1772445600.5, "oauth": {"type": "x"}}), "loggedInUser": _USER},
    {"token": "opaque", "loggedInUser": _USER},
)
CLAIMS = _json(_CLAIMS, {"iat": 1, "exp": 2.5, "user": None}, {"exp": 1772445600, "oauth": {}})
PAGES = _json(
    {"data": [_USER, _OTHER_USER], "total": 2, "limit": 100, "offset": 0},
    {"data": [{**_OTHER_USER, "id": f"5f{number}"} for number in range(20)], "total": 20, "limit": 100, "offset": 0},
    {"data": [_OTHER_USER], "total": 0, "limit": 100, "offset": 0},
)
USERS = _json({"data": _USER}, _OTHER_USER)
RECORDS = _json({"data": _RECORD}, _RECORD)
CONFIGURATIONS = _json({"data": _CONFIGURATION}, {"data": [{"type": "ldap_config", "settings": {}}, _CONFIGURATION]})
ENTERED = _json([_CONFIGURATION, _RECORD], [_RECORD], [{}, {"exchangeCalendarCustomisation": "disabled"}])
COMPANIES = _json({"data": [{"id": "5fc1", "name": "Acme"}, {"id": "5fc2"}], "total": 2})
CONNECTORS = _json(
    {
        "data": [{"id": "5fe1", "loginEmail": "c@acme.test", "creationDate": "2026-03-02T08:00:00.000Z"}],
        "total": 1,
    }
)
ACTIVATIONS = _json(
    {"id": "5fe1", "companyId": "5fc1", "loginEmail": "c@acme.test", "password": "made-up"},
    {"data": {"id": "5fe1", "loginEmail": "c@acme.test", "password": "made-up"}},
)
CONNECTIONS = _json(
    {"data": [{"id": "cnx-1", "resource": "s2s_1", "callback_url": "https://a.test/x"}, {"id": "cnx-2"}]},
    {"data": {"id": "cnx-1", "resource": "s2s_1", "callback_url": "https://a.test/x"}},
)
WAYS = _json(
    {"data": [{"type": "OIDC", "loginUrl": "https://sso.acme.test/"}, {"type": "rainbow"}]},
    {"loginUrl": "x", "type": "SAML"},
)
EXTRA_HEADERS = _json(
    {
        "data": {
            "additionalHeaders": [
                {
                    "match": [{"url": "/api/rainbow/admin/*", "method": "*"}, {"url": "/api/[x]?/*", "method": "GET"}],
                    "headers": [{"key": "x-rainbow-site", "value": "a"}, {"key": "Host", "value": "b"}],
                }
            ]
        }
    }
)
REFUSALS = _json(
    {"errorCode": 401, "errorMsg": "Unauthorized", "errorDetails": "jwt expired", "errorDetailsCode": 401000},
    {"errorCode": 400, "errorDetails": [{"param": "email", "msg": "is none"}], "errorDetailsCode": 400000},
    {"errorCode": 401, "errorMsg": "Gone", "errorDetails": {"msg": "it has ended"}, "errorDetailsCode": 401523},
)
_HEAD = {"id": "cnx-1", "timestamp": "2026-03-02T08:00:00.000001Z", "userId": "5f0000a1"}
CALLBACKS = _json(
    {**_HEAD, "connection": {"state": "ready"}},
    {
        **_HEAD,
        "calendar-events": {
            "request_id": "ev1",
            "email": "bob@acme.test",
            "start_date": "2026-03-02T00:00:00Z",
            "end_date": "2026-03-03T00:00:00+01:00",
        },
    },
    {**_HEAD, "calendar-autoreply": {"request_id": "ar1", "email": "bob@acme.test"}},
    {**_HEAD, "company-user": {"user_id": "5f0000a9", "action": "created"}},
)
