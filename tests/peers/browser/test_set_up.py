"""The whole set-up on the page against the lab, by visible labels only."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.peers.browser.old_exchange import older
from tests.peers.browser.setting_up import EXCHANGE, PROXY, SetUp, Step, Typist
from tests.peers.browser.window import Browser, Window
from tests.ports import free_port
from tests.processes import Connector, Lab, World

pytestmark = [pytest.mark.peer]

MAILBOX = "lea.chatelet@acme.test"
BUTTON = "Test and save Exchange"
FAILED_ONCE = "The test has failed at one step. Nothing was saved."
PASSED = "The test has passed. What was entered is saved, and in use."


@pytest.fixture
def unconfigured(chromium: Any, tmp_path: Path, world: World, ring: dict[str, str]) -> Connector:  # noqa: ARG001  (nothing is started where there is no browser)
    """Run a connector that has no settings but a port, and a keyring."""
    return world.connector(besides=ring, STATE__PATH=str(tmp_path / "state"))


def arrive(browser: Browser, connector: Connector) -> Window:
    """Open what `web-url` prints, and go where the page itself leads."""
    way_in = connector.way_in()
    window = browser.window(way_in.partition("/sign-in")[0]).go(way_in)
    window.page.get_by_role("link", name="Go to the set-up").click()
    window.page.get_by_role("heading", name="Set-up", exact=True).wait_for()
    return window


def works(window: Window, people: int) -> None:
    """See on the overview that all is well, and who is covered."""
    window.page.get_by_role("link", name="Overview", exact=True).click()
    window.page.get_by_text("Healthy", exact=True).wait_for(timeout=120_000)
    covered = window.page.get_by_role("region", name="Mailboxes covered")
    covered.get_by_text(re.compile(rf"^{people}\s*/ {people}$")).wait_for()


def kept(connector: Connector) -> dict[str, str]:
    """Return the settings that came from somewhere, with where from."""
    return {each["name"]: each["origin"] for each in connector.asked()["settings"]}


def fill_in(page: SetUp, lab: Lab, **more: str) -> None:
    """Sign in to Rainbow, and enter what the lab prints of its Exchange."""
    page.sign_in_to_rainbow(lab.addresses["rainbow"])
    page.grant_access()
    exchange = lab.addresses["exchange"]
    boxes = {"Endpoint": exchange["url"], "Account": exchange["username"], "Password": exchange["password"]}
    page.fill(EXCHANGE, boxes | more | {"Test mailbox": MAILBOX})


@dataclass
class Trials:
    """Tries Exchange on the page, with the lab's Exchange as a test has it."""

    page: SetUp
    lab: Lab
    connector: Connector

    def dial(self, **positions: Any) -> None:
        self.lab.exchange("POST", "/lab/dials", positions)

    def run(self, button: str = BUTTON, *, password: str = "") -> tuple[str, dict[str, Step]]:
        """Type the password, which no page gives back, and press."""
        self.page.fill(EXCHANGE, {"Password": password or self.lab.addresses["exchange"]["password"]})
        return self.page.tried(EXCHANGE, button)

    def fails(self, step: str, says: str, *, password: str = "", besides: tuple[str, ...] = ()) -> str:
        """This step must fail, and say what to do, and nothing be kept; return what it says."""
        said, steps = self.run(password=password)
        failed = [title for title, each in steps.items() if each.verdict == "Failed"]
        assert failed == [step, *besides], steps
        steps_failed = "one step" if len(failed) == 1 else f"{len(failed)} steps"
        assert said == f"The test has failed at {steps_failed}. Nothing was saved."
        assert says in steps[step].text
        assert "What to do: " in steps[step].text
        assert not any(name.startswith("exchange.") for name in kept(self.connector))
        return steps[step].text


def test_the_proxy_and_the_sign_in_fail_once(browser: Browser, world: World, unconfigured: Connector) -> None:
    rainbow = world.lab(None, "--users", "3", "--only", "rainbow").addresses["rainbow"]
    page = SetUp(arrive(browser, unconfigured))
    assert "This appears once the connector is signed in to Rainbow" in page.section(EXCHANGE).inner_text()

    page.fill(PROXY, {"Address of the proxy": f"http://127.0.0.1:{free_port()}"})
    said, steps = page.tried(PROXY, "Test and save the proxy")
    assert said == FAILED_ONCE
    assert steps["Proxy to Rainbow"].verdict == "Failed"
    assert "What to do: " in steps["Proxy to Rainbow"].text
    assert "rainbow.proxy_url" not in kept(unconfigured)

    page.sign_in_to_rainbow(rainbow, password="wrong")
    assert "Rainbow refuses the login or the password" in page.refused()
    assert "rainbow.login" not in kept(unconfigured)
    page.sign_in_to_rainbow(rainbow)
    page.grant_access()
    assert "rainbow.login" in kept(unconfigured)


def test_each_step_of_exchange_fails_once_and_then_all_of_it_works(
    browser: Browser, world: World, unconfigured: Connector, ring: dict[str, str]
) -> None:
    lab = world.lab(None, "--users", "6")
    exchange, rainbow = lab.addresses["exchange"], lab.addresses["rainbow"]
    page = SetUp(arrive(browser, unconfigured))
    fill_in(page, lab)
    trials = Trials(page, lab, unconfigured)

    page.fill(EXCHANGE, {"Endpoint": "https://mail.acme.invalid/EWS/Exchange.asmx"})
    trials.fails("Name of Exchange", "The name mail.acme.invalid of the Exchange server is not known here.")
    page.fill(EXCHANGE, {"Endpoint": f"https://127.0.0.1:{free_port()}/EWS/Exchange.asmx"})
    trials.fails("Connection to Exchange", "Nothing accepts connections")
    with older(exchange["url"]) as url:
        page.fill(EXCHANGE, {"Endpoint": url})
        trials.fails("Version of Exchange", "8.1", besides=("First answer of a stream",))
    page.fill(EXCHANGE, {"Endpoint": exchange["url"]})
    trials.fails("Signing in to Exchange", "refuses the user name or password", password="wrong")
    page.fill(EXCHANGE, {"Test mailbox": "nobody@acme.test"})
    trials.fails("Mailbox", "Exchange knows no mailbox by login nobody@acme.test")
    page.fill(EXCHANGE, {"Test mailbox": MAILBOX})
    trials.dial(impersonation=False)
    lines = trials.fails("Subscription", "Exchange does not let the service account act for the user")
    assert "New-ManagementRoleAssignment" in lines  # ready to be copied into Exchange's shell
    trials.dial(impersonation=True, bad_mailboxes=[MAILBOX])
    trials.fails("First answer of a stream", "does not know the subscription")
    trials.dial(bad_mailboxes=[], availability_errors={MAILBOX: "ErrorMailRecipientNotFound"})
    trials.fails("Appointments", "ErrorMailRecipientNotFound")
    refused = {MAILBOX: "ErrorInternalServerError"}
    trials.dial(availability_errors={}, absence_errors=refused, mail_tip_errors=refused)
    said, steps = trials.run("Test Exchange only")
    assert said == "The test has passed. It was a test only: nothing was saved."
    assert (steps["Automatic reply"].verdict, "What to do: " in steps["Automatic reply"].text) == ("Remark", True)
    trials.dial(absence_errors={}, mail_tip_errors={})

    said, steps = trials.run()
    assert said == PASSED
    assert {each.verdict for each in steps.values()} <= {"Passed", "Skipped"}
    works(page.window, 6)
    assert {"exchange.url", "exchange.username", "rainbow.login"} <= set(kept(unconfigured))
    assert exchange["password"] in Path(ring["TEST_KEYRING"]).read_text(encoding="utf-8")
    shown = page.window.go("/set-up").page.content() + page.window.go("/support").page.content()
    assert not any(secret in shown for secret in (exchange["password"], rainbow["password"], rainbow["app_secret"]))


def test_a_certificate_that_is_not_trusted_is_shown_with_its_chain(
    browser: Browser, world: World, unconfigured: Connector
) -> None:
    lab = world.lab(None, "--users", "3", "--tls")
    page = SetUp(arrive(browser, unconfigured))
    fill_in(page, lab)
    trials = Trials(page, lab, unconfigured)
    trials.fails("Certificate of Exchange", "“Lab Root CA”, which this machine does not trust")
    rows = page.section(EXCHANGE).get_by_role("row").all_inner_texts()
    assert [row.split("\t")[:2] for row in rows[1:]] == [
        ["127.0.0.1", "Lab Issuing CA"],
        ["Lab Issuing CA", "Lab Root CA"],
    ]
    page.fill(EXCHANGE, {"File with certificates to trust": lab.addresses["exchange"]["ca_file"]})
    assert trials.run()[0] == PASSED
    works(page.window, 3)


def test_by_keyboard_alone(browser: Browser, world: World, unconfigured: Connector) -> None:
    page = Typist(arrive(browser, unconfigured))
    fill_in(page, world.lab(None, "--users", "3"))
    said, steps = page.tried(EXCHANGE, BUTTON)
    assert said == PASSED, steps
    works(page.window, 3)
