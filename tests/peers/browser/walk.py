"""Following a page of the documentation: its commands are run as they stand there, and what it names is looked for."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.peers.browser.test_screenshots import FOLDER
from tests.peers.browser.views import texts
from tests.peers.browser.window import Window
from tests.processes import COMMAND, PATIENCE, Process, World, until

DOCS = Path(__file__).parents[3] / "docs"
PICTURES = FOLDER / "tutorial"


class Page:
    """A page, with ports that are free in place of those that it names."""

    def __init__(self, name: str, **places: str) -> None:
        self.text = (DOCS / name).read_text(encoding="utf-8")
        for stands, meant in places.items():
            self.text = self.text.replace(stands, meant)
        blocks = re.findall(r"^```(\w*)\n(.*?)^```$", self.text, flags=re.DOTALL | re.MULTILINE)
        self._left: list[str] = [block for language, block in blocks if not language]

    def commands(self) -> list[str]:
        """Give the lines of the next block of commands."""
        return self._left.pop(0).splitlines()

    def all_were_run(self) -> bool:
        """Tell whether no block of commands is left."""
        return not self._left

    @property
    def named(self) -> set[str]:
        """What it names in bold: what is written on buttons, links, boxes and headings."""
        return {text.rstrip(".") for text in re.findall(r"\*\*(.+?)\*\*", self.text)}


@dataclass
class Shell:
    """A terminal in a folder in which the command is where the documentation has it."""

    world: World
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / ".venv" / "bin").mkdir(parents=True)
        (self.folder / ".venv" / "bin" / "rainbow-exchange").symlink_to(COMMAND)
        self.environment |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}

    def type(self, command: str, *, answers: int = 0) -> str:
        """Run one line to its end; give what it prints."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("RAINBOW_EXCHANGE_")}
        ran = subprocess.run(  # noqa: S603  (a line of our own documentation)
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=own | self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ran.returncode == answers, f"{command}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
        return ran.stdout + ran.stderr

    def leave_running(self, command: str) -> Process:
        """Run one line that does not end by itself."""
        shell = ("/bin/sh", "-c", f"exec {command}")
        process = Process([], self.folder, dict(self.environment), command=shell)
        self.world.stack.callback(interrupt, process)
        return process.start()


def interrupt(process: Process) -> int:
    """Press Ctrl-C in its window: all that it has started gets it, too."""
    if process.process.poll() is None and sys.platform != "win32":
        os.killpg(process.process.pid, signal.SIGINT)
    return process.process.wait(PATIENCE)


def printed(process: Process, pattern: str) -> str:
    """Wait until a process has printed something; give the part in parentheses."""

    def found() -> str:
        assert process.process.poll() is None, process.output()
        match = re.search(pattern, process.output())
        return match[1] if match else ""

    text: str = until(found, f"{pattern} in what it prints", within=120.0)
    return text


@dataclass
class Reader:
    """Follows a page: takes its pictures, and notes what could be read on the way."""

    window: Window
    seen: set[str] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)

    def look(self) -> None:
        self.seen |= texts(self.window)

    def choose(self, link: str) -> None:
        self.look()
        self.window.page.get_by_role("link", name=link, exact=True).click()
        self.window.page.get_by_role("heading", level=1).wait_for()

    def picture(self, name: str, of: Any = None, *, height: int = 0) -> None:
        """Take a picture of a part of the page, of so many pixels of it if it is longer."""
        self.look()
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.taken.append(f"{name}.png")
        part = of or self.window.page.locator("body")
        part.scroll_into_view_if_needed()
        box = self.window.page.evaluate(
            "one => { const box = one.getBoundingClientRect();"
            " return {x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height}; }",
            part.element_handle(),
        )
        box["height"] = min(box["height"], height or box["height"])
        self.window.page.screenshot(
            path=PICTURES / f"{name}.png", full_page=True, clip=box, animations="disabled", caret="hide"
        )

    def has_seen(self, page: Page) -> set[str]:
        """Give what the page names and was nowhere to be read."""
        return {label for label in page.named if not any(label in text for text in self.seen)}
