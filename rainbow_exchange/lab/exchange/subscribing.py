"""Subscribe and Unsubscribe (ews.md §1)."""

from rainbow_exchange.lab.exchange.call import Call
from rainbow_exchange.lab.exchange.errors import Fault, Refused
from rainbow_exchange.lab.exchange.mailbox import Access, Mailbox
from rainbow_exchange.lab.exchange.wire import Element, Xml, answer, child, children, m, named, response_message, text

_EVENTS = frozenset(
    f"{kind}Event" for kind in ("Copied", "Created", "Deleted", "Modified", "Moved", "NewMail", "FreeBusyChanged")
)


def subscribe(call: Call, request: Element) -> Xml:
    """Answer Subscribe with a streaming subscription; pull and push are not played."""
    wanted = child(request, "StreamingSubscriptionRequest")
    if wanted is None:
        raise Refused("ErrorInvalidSubscriptionRequest")
    events = frozenset((each.text or "").strip() for each in named(wanted, "EventType"))
    if not events or not events <= _EVENTS:
        raise Fault("ErrorSchemaValidation", values={"Violation": "EventTypes"})
    folders = list(children(child(wanted, "FolderIds")))
    everything = wanted.get("SubscribeToAllFolders", "false").strip() in ("true", "1")
    if everything == bool(folders):
        raise Refused("ErrorInvalidSubscriptionRequest")
    mailboxes: dict[Mailbox, set[str]] = {}
    for folder in folders:
        mailbox, name = call.folder(folder, Access.REVIEWER)
        mailboxes.setdefault(mailbox, set()).add(name)
    if everything:
        if call.acting is None:
            raise Refused("ErrorMissingEmailAddress")
        mailboxes = {call.acting: set()}
    if len(mailboxes) != 1:
        raise Refused("ErrorInvalidSubscriptionRequest")
    [(mailbox, names)] = mailboxes.items()
    if call.company.back_ends.home(mailbox) != call.landed:
        raise Refused("ErrorProxyRequestNotAllowed")
    made = call.company.subscriptions.subscribe(
        account=call.account.name,
        identity=call.identity,
        charged=call.charged,
        mailbox=mailbox,
        folders=None if everything else frozenset(names),
        events=events,
    )
    return answer("Subscribe", response_message("SubscribeResponseMessage", m("SubscriptionId", made.id)))


def unsubscribe(call: Call, request: Element) -> Xml:
    """Answer Unsubscribe; an open stream that reads the subscription is told so and ends."""
    found = call.company.subscriptions.find(text(request, "SubscriptionId").strip())
    if found is None:
        raise Refused("ErrorSubscriptionNotFound")
    if call.company.flavour.owner_bound and found.identity != call.identity:
        raise Refused("ErrorSubscriptionNotFound")
    if found.account != call.account.name:
        raise Refused("ErrorSubscriptionAccessDenied")
    found.lost = "ErrorSubscriptionUnsubscribed"
    call.company.subscriptions.remove(found)
    return answer("Unsubscribe", response_message("UnsubscribeResponseMessage"))
