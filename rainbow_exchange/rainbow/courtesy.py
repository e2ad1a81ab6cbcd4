"""What any XMPP client answers: pings and discovery, and that it does not know the rest (pure)."""

from rainbow_exchange.rainbow import stanzas
from rainbow_exchange.rainbow.stanzas import Iq


def courtesy(iq: Iq, me: str) -> str:
    """Answer an IQ that is no question of Rainbow's and no answer (RFC 6120 section 8.2.3, XEP-0030, XEP-0199)."""
    if iq.wrong:
        return stanzas.error(iq, me, "bad-request", "modify")
    payload = iq.payload
    name = ("", "") if payload is None else (stanzas.namespace(payload), stanzas.local_name(payload))
    if iq.type == "get" and name == (stanzas.PING, "ping"):
        return stanzas.write(stanzas.result(iq, me))
    if iq.type == "get" and name in {(stanzas.DISCO_INFO, "query"), (stanzas.DISCO_ITEMS, "query")}:
        if payload is not None and payload.get("node"):
            return stanzas.error(iq, me, "item-not-found", "cancel")
        return stanzas.disco_result(iq, me) if name[0] == stanzas.DISCO_INFO else stanzas.no_items(iq, me)
    return stanzas.error(iq, me, "service-unavailable", "cancel")
