"""What the first view costs on the wire: one request, little of it, however much there is to say."""

import pytest

from tests.peers.browser.company import open_company
from tests.peers.browser.window import Browser
from tests.peers.browser.wire import watched
from tests.processes import World, until

pytestmark = [pytest.mark.peer]

MOST_BYTES = 60_000


def test_one_request_and_at_most_sixty_thousand_bytes(browser: Browser, world: World) -> None:
    company, _ = open_company(world, 500)
    boxes = [box["address"] for box in company.lab.exchange("GET", "/lab/mailboxes")]
    for code, some in {"ErrorMailboxStoreUnavailable": boxes[20:120], "ErrorAccessDenied": boxes[120:150]}.items():
        refused = company.lab.exchange("GET", "/lab/dials")["mailbox_errors"] | dict.fromkeys(some, code)
        company.lab.exchange("POST", "/lab/dials", {"mailbox_errors": refused})
    until(lambda: company.connector.asked()["mailboxes"]["streamed"] < 400, "a hundred lose their streams")
    window = company.window(browser)
    with watched(window) as wire:
        window.go("/")
        window.page.get_by_text("Live", exact=True).wait_for()
        window.page.wait_for_timeout(1000)  # for whatever else the page might ask for
    assert list(wire.bytes) == [f"{company.base}/"]
    assert 1_000 < wire.bytes[f"{company.base}/"] <= MOST_BYTES
