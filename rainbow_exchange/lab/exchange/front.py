"""What stands before the lab's Exchange: accounts, the ways to sign in, the token endpoint, the record of attempts."""

from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from rainbow_exchange.lab.exchange import binding, tokens
from rainbow_exchange.lab.exchange.accounts import Account, Accounts
from rainbow_exchange.lab.exchange.attempts import Attempts
from rainbow_exchange.lab.exchange.dials import Dials
from rainbow_exchange.lab.exchange.mailbox import Directory
from rainbow_exchange.lab.exchange.sign_in import SignIn
from rainbow_exchange.lab.exchange.sign_in_controls import SignInControls


class Front:
    """Tells who sends a request. `client` is the id and the secret that buy Bearer tokens."""

    def __init__(
        self,
        *,
        directory: Directory,
        username: str,
        password: str,
        domain: str,
        client: tuple[str, str],
        dials: Dials,
        now: Callable[[], datetime],
    ) -> None:
        self.attempts = Attempts()
        self._tokens = tokens.Tokens(client=client, dials=dials, attempts=self.attempts, now=now)
        self._sign_in = SignIn(
            accounts=Accounts(directory=directory, username=username, password=password, domain=domain, dials=dials),
            tokens=self._tokens,
            attempts=self.attempts,
            dials=dials,
            now=now,
        )

    def add_to(self, app: web.Application) -> None:
        """Add the token endpoint, the part of the lab's own wire, and what answers have to say."""
        app.on_response_prepare.append(self._sign_in.prove)
        app.router.add_post(tokens.PATH, self._tokens.give)
        SignInControls(sign_in=self._sign_in, tokens=self._tokens, attempts=self.attempts).add_to(app)

    async def bind(self, host: str, port: int, *, tls: bool) -> None:
        """Learn what clients of the server that listens there have to bind to."""
        self._sign_in.binding = binding.expected(await binding.own_certificate(host, port)) if tls else None

    def connection(self, http: web.Request) -> int:
        """Give the number of the TCP connection that a request came on."""
        return self._sign_in.number(http)

    def asked(self, http: web.Request) -> Account | web.Response:
        """Give whose request it is, or the answer that refuses it."""
        return self._sign_in.asked(http)
