"""Setting the product up on its page as an administrator does: by what is written beside boxes and on buttons."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.peers.browser.window import Window

PROXY, RAINBOW, EXCHANGE = "1. HTTP proxy", "2. Rainbow", "3. Exchange calendar"
#: milliseconds that a trial may take: its slowest step waits for a stream's first answer
TRIAL = 60_000
_ENDED = re.compile("^(The test has|Nothing was saved)")
_ELSEWHERE = "Without a connector user, or another Rainbow server"


@dataclass(frozen=True)
class Step:
    """A step of a trial as it is shown."""

    verdict: str
    text: str


@dataclass
class SetUp:
    """The view on which it is set up; knows what is visible and nothing else."""

    window: Window

    def section(self, name: str) -> Any:
        return self.window.page.get_by_role("region", name=name, exact=True)

    def fill(self, section: str, values: Mapping[str, str]) -> None:
        """Type into the boxes with these labels."""
        for label, value in values.items():
            self.section(section).get_by_label(label, exact=True).fill(value)

    def press(self, section: str, button: str) -> None:
        """Press a button, and wait for the page that comes of it."""
        self.window.page.evaluate("document.documentElement.dataset.pressed = ''")
        self.activate(section, button)
        self.window.page.locator("html[data-pressed]").wait_for(state="detached")
        self.window.page.wait_for_load_state("load")

    def activate(self, section: str, button: str) -> None:
        self.section(section).get_by_role("button", name=button, exact=True).click()

    def unfold(self, section: str, summary: str) -> None:
        """Open what is folded away."""
        self.section(section).get_by_text(summary, exact=True).click()

    def tried(self, section: str, button: str) -> tuple[str, dict[str, Step]]:
        """Press a button that begins a trial; return what came of it, and of each of its steps by its title."""
        self.press(section, button)
        ended = self.section(section).get_by_role("status").filter(has_text=_ENDED).first
        ended.wait_for(timeout=TRIAL)
        said: str = ended.inner_text()
        return said, self.steps(section)

    def steps(self, section: str) -> dict[str, Step]:
        """Return the steps that are shown now, by their titles."""
        found = {}
        for item in self.section(section).get_by_role("list").get_by_role("listitem").all():
            verdict, title, *rest = [line for line in item.inner_text().splitlines() if line.strip()]
            found[re.sub(r" [\d.,]+\s?m?s$", "", title)] = Step(verdict, "\n".join(rest))
        return found

    def sign_in_to_rainbow(self, rainbow: Mapping[str, Any], *, password: str = "") -> None:
        """Fill the form of step 2 and send it."""
        self.fill(
            RAINBOW,
            {
                "Login of a company administrator": rainbow["login"],
                "Password": password or rainbow["password"],
                "Application id": rainbow["app_id"],
                "Application secret": rainbow["app_secret"],
            },
        )
        self.unfold(RAINBOW, _ELSEWHERE)
        self.fill(RAINBOW, {"Rainbow server": rainbow["url"]})
        self.press(RAINBOW, "Sign in to Rainbow")

    def refused(self) -> str:
        """Wait until signing in to Rainbow was refused; return what is said, and close the message."""
        message = self.section(RAINBOW).get_by_role("alert")
        message.wait_for(timeout=TRIAL)
        said: str = message.inner_text()
        self.press(RAINBOW, "Close this message")
        return said

    def grant_access(self) -> None:
        """Answer the question before the connector is made; the section of Exchange then appears by itself."""
        self.section(RAINBOW).get_by_role("heading", name="Grant access to the connector?").wait_for(timeout=TRIAL)
        self.press(RAINBOW, "Grant access")
        self.section(EXCHANGE).get_by_label("Endpoint", exact=True).wait_for(timeout=TRIAL)


@dataclass
class Typist(SetUp):
    """One who has no mouse: what he needs he reaches by the tabulator, and sees that he is there."""

    def fill(self, section: str, values: Mapping[str, str]) -> None:
        for label, value in values.items():
            self._reach(section, ("input", "select"), label)
            self.window.page.keyboard.press("Control+a")
            self.window.page.keyboard.type(value)

    def activate(self, section: str, button: str) -> None:
        self._reach(section, ("button",), button)
        self.window.page.keyboard.press("Enter")

    def unfold(self, section: str, summary: str) -> None:
        self._reach(section, ("summary",), summary)
        self.window.page.keyboard.press("Enter")

    def _reach(self, section: str, kinds: tuple[str, ...], name: str) -> None:
        wanted = [f"{kind} {name}" for kind in kinds]
        for _ in range(250):
            self.window.page.keyboard.press("Tab")
            if self.window.focused() in wanted and self._is_in(section):
                assert self.window.focus_is_seen(), name
                return
        raise AssertionError(f"{name} of {section} is not reached by the tabulator")

    def _is_in(self, section: str) -> bool:
        inside: bool = self.section(section).evaluate("one => one.contains(document.activeElement)")
        return inside
