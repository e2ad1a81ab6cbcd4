"""Whether a link could be had, without having one: nobody is shown as there, and nobody's place is taken.

A company has one connector. Whoever sends no presence is asked no question and shown to no other (RFC 6121 section 4.2
and 8.5), and a resource of its own is no conflict (RFC 6120 section 7.7.2.2).
"""

import secrets
import ssl as ssl_module
from typing import TYPE_CHECKING

from rainbow_exchange import __version__
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.rainbow import assumed
from rainbow_exchange.rainbow.askers import Jid
from rainbow_exchange.rainbow.endpoints import carries_secrets, websocket_url
from rainbow_exchange.rainbow.errors import UnexpectedAnswer
from rainbow_exchange.rainbow.negotiation import negotiate
from rainbow_exchange.rainbow.stream import Stream, websocket_session
from rainbow_exchange.words import _

if TYPE_CHECKING:
    from rainbow_exchange.rainbow.types import Account


async def try_link(
    rest_url: str, account: "Account", *, app_id: str, ssl: ssl_module.SSLContext | None, proxy: Proxy
) -> str:
    """Sign in to the XMPP server, bind a resource, say good-bye; give its domain. Raises RainbowError."""
    me = Jid.read(account.jid)
    if not me.local or not me.domain or not account.jid_password:
        raise UnexpectedAnswer(_("Rainbow's login gave no XMPP account"))
    url = websocket_url(rest_url)
    async with (
        websocket_session() as session,
        await Stream.connect(
            session,
            url,
            negotiate(
                domain=me.domain,
                username=me.local,
                password=account.jid_password,
                resource=f"check_{secrets.token_hex(4)}",
                plain_allowed=carries_secrets(url),
            ),
            query={
                "x-rainbow-xmpp-dom": me.domain,
                "x-rainbow-client": assumed.CLIENT_KIND,
                "x-rainbow-client-version": __version__,
                "x-rainbow-client-id": app_id,
            },
            ssl=ssl,
            proxy=proxy,
        ),
    ):
        return me.domain
