"""What the record notes of a request and of its answer."""

import re
from uuid import uuid4

from aiohttp import web

from rainbow_exchange.lab.exchange.record import Request
from rainbow_exchange.lab.exchange.wire import Element, Xml, child, children, named

_CODE = re.compile("<m:ResponseCode>([^<]*)<")


def note_headers(request: Request, http: web.Request) -> None:
    """Note what the head of a request says, and what the answer will call it."""
    request.anchor = http.headers.get("X-AnchorMailbox", "")
    request.prefers_affinity = http.headers.get("X-PreferServerAffinity", "").lower() == "true"
    request.cookies = dict(http.cookies)
    request.user_agent = http.headers.get("User-Agent", "")
    request.client_request_id = http.headers.get("client-request-id", "")
    request.request_id = str(uuid4())
    request.content_length = http.content_length


def note_operation(request: Request, operation: str, header: Element | None, body: Element) -> None:
    """Note what is asked for, about whom, and in whose name."""
    request.operation = operation
    names = child(header, "ExchangeImpersonation", "ConnectingSID")
    request.impersonated = next(((each.text or "").strip() for each in children(names)), "")
    addresses = ((each.text or "").strip().lower() for each in named(body, "EmailAddress", "Address"))
    request.mailboxes = list(dict.fromkeys(each for each in addresses if each))
    request.subscription_ids = [(each.text or "").strip() for each in named(body, "SubscriptionId")]


def code_of(content: Xml) -> str:
    """Give the first code of an answer that is not NoError."""
    return next((code for code in _CODE.findall(content) if code != "NoError"), "NoError")
