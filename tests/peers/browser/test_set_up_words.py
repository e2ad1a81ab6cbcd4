"""Each state of the set-up in both languages, within the window, and as the rules of accessibility want it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers.browser.company import Company
from tests.peers.browser.setting_up import EXCHANGE, RAINBOW, TRIAL, SetUp
from tests.peers.browser.views import VIEWS, names_of, not_translated, texts
from tests.peers.browser.window import Browser, Window
from tests.processes import Lab, World

pytestmark = [pytest.mark.peer]

MAILBOX = "lea.chatelet@acme.test"
#: what only the set-up says, alike in both languages
SAME = {"Application", "15.1.1591.10 (Exchange 2016)."}


def looks(english: Window, french: Window, lab: Lab) -> Callable[..., None]:
    """Give what looks at a state in both languages; "" for the page that is open."""

    def look(path: str = "") -> None:
        if path:
            english.go(path)
        french.go(path or "/set-up")
        names = names_of(lab) | SAME
        assert not_translated(texts(english), texts(french), names) == set()
        assert english.findings() == french.findings() == []
        assert (english.resize(360).overflow(), french.resize(360).overflow()) == (0, 0)
        english.resize(1280)
        french.resize(1280)

    return look


def test_each_state_of_the_set_up(browser: Browser, world: World, tmp_path: Path, ring: dict[str, str]) -> None:
    connector = world.connector(besides=ring, STATE__PATH=str(tmp_path / "state"))
    lab = world.lab(None, "--users", "3")
    exchange, rainbow = lab.addresses["exchange"], lab.addresses["rainbow"]
    company = Company(lab, connector, connector.way_in().partition("/sign-in")[0])
    english, french = (company.window(browser, language=language) for language in ("en", "fr"))
    look, page = looks(english, french, lab), SetUp(english)
    for path in VIEWS.values():
        look(path)

    english.go("/set-up")
    page.sign_in_to_rainbow(rainbow, password="wrong")
    page.section(RAINBOW).get_by_role("alert").wait_for(timeout=TRIAL)
    look()
    page.refused()
    page.sign_in_to_rainbow(rainbow)
    page.section(RAINBOW).get_by_role("heading", name="Grant access to the connector?").wait_for(timeout=TRIAL)
    look()
    page.grant_access()
    lab.exchange("POST", "/lab/dials", {"impersonation": False})
    boxes = {"Endpoint": exchange["url"], "Account": exchange["username"], "Password": exchange["password"]}
    page.fill(EXCHANGE, boxes | {"Test mailbox": MAILBOX})
    said, steps = page.tried(EXCHANGE, "Test and save Exchange")
    assert steps["Subscription"].verdict == "Failed", said
    look()
    lab.exchange("POST", "/lab/dials", {"impersonation": True})
    page.fill(EXCHANGE, {"Password": exchange["password"]})
    said, _ = page.tried(EXCHANGE, "Test and save Exchange")
    assert said == "The test has passed. What was entered is saved, and in use."
    look()
