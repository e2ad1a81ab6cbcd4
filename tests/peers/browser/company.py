"""A small company at work for a browser to look at: made-up people, and one of each thing that may be shown."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rainbow_exchange.cli import local_api, web_url
from tests.peers.browser.window import Browser, Window
from tests.processes import Connector, Lab, World, until

#: a subject that would be a script, were it taken for markup
MARKUP = "<script>document.title='taken over'</script><b onmouseover=alert(1)>"


@dataclass
class Company:
    """The lab and the connector, both as processes."""

    lab: Lab
    connector: Connector
    base: str

    def window(self, browser: Browser, **how: Any) -> Window:
        """Open a window that has signed in."""
        folder = Path(self.connector.environment["RAINBOW_EXCHANGE_STATE__PATH"])
        path = local_api.ask(folder, "/api/sign-in", content={}, schema=web_url.SCHEMA_VERSION, seconds=30)["path"]
        return browser.window(self.base, **how).go(path)

    def meets(self, address: str, subject: str, *, minutes: float = 60) -> None:
        """Put an appointment into a calendar that began ten minutes ago."""
        now = datetime.now(UTC).replace(microsecond=0)
        item = {
            "start": (now - timedelta(minutes=10)).isoformat(),
            "end": (now + timedelta(minutes=minutes)).isoformat(),
            "subject": subject,
        }
        self.lab.exchange("POST", f"/lab/mailboxes/{address}/items", item)


@dataclass(frozen=True)
class People:
    """Who is who in it, by mailbox or login."""

    in_a_meeting: str
    away: str
    being_moved: str
    without_mailbox: str


def open_company(world: World, users: int = 12) -> tuple[Company, People]:
    """Start it, and wait until all is as it will be."""
    lab = world.lab(None, "--users", str(users), "--right", "reviewer")
    boxes = [box["address"] for box in lab.exchange("GET", "/lab/mailboxes")]
    who = People(in_a_meeting=boxes[0], away=boxes[4], being_moved=boxes[2], without_mailbox=boxes[6])
    lab.exchange("POST", "/lab/dials", {"mailbox_errors": {who.being_moved: "ErrorMailboxMoveInProgress"}})
    lab.exchange("DELETE", f"/lab/mailboxes/{who.without_mailbox}")
    lab.exchange("PUT", f"/lab/mailboxes/{who.away}/out-of-office", {"state": "Enabled", "internal": "Back on Monday"})
    connector = world.connector(lab, STATE__PATH=str(world.folder / f"state {world.count}"))
    base = connector.way_in().partition("/sign-in")[0]
    company = Company(lab, connector, base)
    company.meets(who.in_a_meeting, MARKUP)

    def ready() -> bool:
        status = connector.asked()
        return bool(status) and status["mailboxes"]["streamed"] == users - 2 and status["state"] == "degraded"

    until(ready, "a company at work", within=180)
    return company, who
