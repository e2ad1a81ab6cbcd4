"""All that the page speaks to the lab by: the clients of both sides, over the same wires as everybody's."""

import aiohttp
from yarl import URL

from rainbow_exchange.lab.administrator import Administrator
from rainbow_exchange.lab.colleague import Colleague
from rainbow_exchange.lab.faults import Faults
from rainbow_exchange.lab.lab_calls import LabCalls
from rainbow_exchange.lab.mailboxes import Mailboxes
from rainbow_exchange.lab.owner import Owner
from rainbow_exchange.lab.rainbow_account import RainbowAccount
from rainbow_exchange.lab.serve import LabAddresses
from rainbow_exchange.lab.stages import RainbowRecord
from rainbow_exchange.lab.tls import undemanding_context
from rainbow_exchange.lab.writes import Writes

#: seconds that somebody waits at a page
PATIENCE = 5.0


class Clients:
    """The clients of a lab; a side that was not started has none."""

    def __init__(self, session: aiohttp.ClientSession, lab: LabAddresses) -> None:
        self.lab = lab
        self._session = session
        self._owners: dict[str, Owner] = {}
        tls = lab.exchange is not None and lab.exchange.ca_file is not None
        self._ssl = undemanding_context() if tls else None
        self.writes: Writes | None = None
        self.mailboxes: Mailboxes | None = None
        exchange: LabCalls | None = None
        if lab.exchange is not None:
            base = str(URL(lab.exchange.url).origin())
            exchange = LabCalls(session, base, ssl_context=self._ssl, seconds=PATIENCE)
            self.writes, self.mailboxes = Writes(exchange), Mailboxes(exchange)
        self.colleague: Colleague | None = None
        self.record: RainbowRecord | None = None
        self.administrator: Administrator | None = None
        rainbow: LabCalls | None = None
        if lab.rainbow is not None:
            account = RainbowAccount(
                session,
                url=lab.rainbow.url,
                login=lab.rainbow.login,
                password=lab.rainbow.password,
                app_id=lab.rainbow.app_id,
                app_secret=lab.rainbow.app_secret,
                seconds=PATIENCE,
            )
            self.colleague = Colleague(account)
            self.administrator = Administrator(account, lab.rainbow.company_id)
            self.record = RainbowRecord(session, lab.rainbow.url)
            rainbow = LabCalls(session, lab.rainbow.url, seconds=PATIENCE)
        account_name = lab.exchange.username if lab.exchange is not None else ""
        self.faults = Faults(exchange=exchange, rainbow=rainbow, account=account_name)

    def owner(self, address: str) -> Owner:
        """Give the owner of a mailbox at the keyboard. Raise ValueError if Exchange was not started."""
        if self.lab.exchange is None:
            raise ValueError("the lab's Exchange was not started")
        if address not in self._owners:
            self._owners[address] = Owner(
                self._session,
                url=self.lab.exchange.url,
                address=address,
                password=self.lab.exchange.password,
                ssl_context=self._ssl,
                seconds=PATIENCE,
            )
        return self._owners[address]
