"""The page of the lab in a browser, with the connector between both sides."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.peers.browser.window import Browser, Window
from tests.processes import PATIENCE, Connector, Lab, World, until

SOON = 20_000
#: where on a line an hour is: nine hours, three of them before the full hour that runs
HOURS = 9


def wait_for_the_hour(seconds: float) -> None:
    """Let a full hour begin that is nearer than this: with it each line begins later, and all on it moves."""
    left = 3600 - time.time() % 3600
    if left < seconds:
        time.sleep(left + 1)


@dataclass
class LabPage:
    """Both processes, and who is who: keys of people by their place on the page."""

    lab: Lab
    connector: Connector
    base: str

    def board(self, browser: Browser, **how: Any) -> "Board":
        wait_for_the_hour(45)  # longer than most tests drag
        window = browser.window(self.base, **how)
        window.go("/")
        return Board(window)


def open_lab_page(world: World, users: int = 6, *options: str) -> LabPage:
    """Start it, and wait until everybody is followed."""
    lab = world.lab(None, "--users", str(users), *options)
    connector = world.connector(lab, STATE__PATH=str(world.folder / f"state {world.count}"))
    connector.healthy(users)
    return LabPage(lab, connector, lab.addresses["page"])


@dataclass
class Board:
    """What a person does at the page, with what comes of it."""

    window: Window

    @property
    def page(self) -> Any:
        return self.window.page

    def everybody(self) -> list[str]:
        found: list[str] = self.page.evaluate(
            "[...document.querySelectorAll('#lab_exchange .line')].map(one => one.dataset.person)"
        )
        return found

    def name(self, key: str) -> str:
        said: str = self.page.locator(f"#m-{key} .name").inner_text()
        return said

    def contact(self, key: str) -> str:
        """What a colleague sees of somebody, in one line."""
        return " ".join(self.page.locator(f"#c-{key}").inner_text().split("\n")[-1].split())

    def sees(self, key: str, holds: Callable[[str], bool], what: str, *, within: float = PATIENCE) -> str:
        """Wait until what a colleague sees is so; give it."""

        def seen() -> str:
            text = self.contact(key)
            self.page.wait_for_timeout(20)
            return text if holds(text) else ""

        found: str = until(seen, what, within=within)
        return found

    def place(self, key: str, minutes: float) -> tuple[float, float]:
        """Where on somebody's line an instant is, so many minutes from now."""
        line = self.page.locator(f"#m-{key} .line")
        line.scroll_into_view_if_needed()
        box = line.bounding_box()
        share: float = self.page.evaluate(
            """([minutes, hours]) => {
                const start = Date.parse(document.getElementById('lab_exchange').dataset.start);
                return (Date.now() + 60000 * minutes - start) / (3600000 * hours);
            }""",
            [minutes, HOURS],
        )
        return box["x"] + box["width"] * share, box["y"] + box["height"] / 2

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move((start[0] + end[0]) / 2, start[1])
        mouse.move(*end)
        mouse.up()

    def block(self, key: str, subject: str) -> Any:
        """An appointment on a line."""
        return self.page.locator(f"#m-{key} a.block").filter(has_text=subject)

    def middle(self, block: Any) -> tuple[float, float]:
        box = block.locator("rect.box").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def make(self, key: str, subject: str, *, begins: float = -20, ends: float = 40) -> None:
        """Make an appointment by mouse, from so many minutes from now on."""
        wait_for_the_hour(5)
        self.drag(self.place(key, begins), self.place(key, ends))
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label("Subject").fill(subject)
        dialog.get_by_role("button", name="Save").click()
        dialog.wait_for(state="hidden")
        self.block(key, subject).wait_for()

    def open(self, block: Any) -> Any:
        """Click on an appointment; give the dialog."""
        self.page.mouse.click(*self.middle(block))
        dialog = self.page.get_by_role("dialog")
        dialog.wait_for()
        return dialog

    def forgive_refusals(self) -> None:
        """Take a form that was not accepted for no complaint of the console's."""
        self.window.complaints = [each for each in self.window.complaints if "status of 422" not in each]
