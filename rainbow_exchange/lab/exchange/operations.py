"""The operations that the lab's Exchange plays, by the name of their request."""

from collections.abc import Callable

from rainbow_exchange.lab.exchange import (
    availability,
    finding,
    folders,
    items,
    names,
    out_of_office,
    password,
    subscribing,
)
from rainbow_exchange.lab.exchange.call import Call
from rainbow_exchange.lab.exchange.errors import Refused
from rainbow_exchange.lab.exchange.wire import Element, Xml, answer, local, m, response_message

STREAMED = "GetStreamingEvents"
OPERATIONS: dict[str, Callable[[Call, Element], Xml]] = {
    "Subscribe": subscribing.subscribe,
    "Unsubscribe": subscribing.unsubscribe,
    "CreateItem": items.create,
    "UpdateItem": items.update,
    "DeleteItem": items.delete,
    "MoveItem": items.move,
    "GetItem": items.get,
    "ConvertId": items.convert,
    "FindItem": finding.find,
    "SyncFolderItems": finding.sync,
    "GetUserAvailability": availability.get,
    "GetUserOofSettings": out_of_office.get_settings,
    "SetUserOofSettings": out_of_office.set_settings,
    "GetMailTips": out_of_office.mail_tips,
    "GetServiceConfiguration": out_of_office.service_configuration,
    "GetPasswordExpirationDate": password.expiration_date,
    "ResolveNames": names.resolve,
    "GetServerTimeZones": names.server_time_zones,
    "GetFolder": folders.get,
    "FindFolder": folders.find,
    "SyncFolderHierarchy": folders.sync,
}
_SHAPED = ("GetUserOofSettings", "SetUserOofSettings", "GetMailTips", "GetServiceConfiguration")


def name_of(request: Element) -> str:
    """Give the operation's name; some requests are called …Request."""
    return local(request).removesuffix("Request")


def refused(operation: str, error: Refused) -> Xml:
    """Build the answer that refuses a whole request inside HTTP 200."""
    if operation in _SHAPED:
        return out_of_office.refused(operation, error)
    if operation == "GetUserAvailability":
        message = response_message("ResponseMessage", error=error)
        return m("GetUserAvailabilityResponse", m("FreeBusyResponseArray", m("FreeBusyResponse", message)))
    if operation == "GetPasswordExpirationDate":
        return password.refused(error)
    return answer(operation, response_message(f"{operation}ResponseMessage", error=error))
